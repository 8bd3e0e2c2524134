//! Bounds and set values that depend on earlier values.

use hil_model::expression::Expression;
use hil_model::{Limit, LimitSource, Quantity, Setpoint, SignalId, Value};

use crate::evaluate::{Evaluated, evaluate};
use crate::judge::Taken;
use crate::scene::{Scene, Stop};
use crate::uncertainty::Form;

impl Scene<'_> {
    /// The value to set. What is computed must lie in the range that the check
    /// of the plan could not hold it against.
    pub(crate) fn setpoint(&self, signal: &SignalId, setpoint: &Setpoint) -> Result<Value, Stop> {
        let expression = match setpoint {
            Setpoint::Fixed(value) => return Ok(value.clone()),
            Setpoint::Computed(expression) => expression,
        };
        let found = self.known(expression)?.quantity;
        let range = self.channel(signal)?.abilities().range;
        if let Some((low, high)) = range.filter(|(low, high)| found.si < low.si || found.si > high.si) {
            return Err(Stop::error(format!("`{signal}` = {expression} = {found} is out of range, expected {low} .. {high}")));
        }
        Ok(Value::Quantity(found))
    }

    /// The limit that these bounds come to, and the uncertainty that a value
    /// has against it: its own and that of the nearer bound's making.
    pub(crate) fn bounds(
        &self,
        taken: &Taken<'_>,
        low: Option<&Expression>,
        high: Option<&Expression>,
    ) -> Result<(Limit, Option<f64>), Stop> {
        let low = low.map(|e| self.known(e)).transpose()?;
        let high = high.map(|e| self.known(e)).transpose()?;
        let bound = |e: &Option<Evaluated>| e.as_ref().map(|e| e.quantity);
        let (min, max) = (bound(&low), bound(&high));
        if let (Some(min), Some(max)) = (min, max)
            && min.si > max.si
        {
            return Err(Stop::error(format!("bounds of `{}`: {min} .. {max} are swapped", taken.name)));
        }
        let mut uncertainty = taken.uncertainty;
        for bound in [low, high].into_iter().flatten() {
            let against = taken.uncertainty.zip(bound.uncertainty).map(|(own, of_bound)| {
                let own = Form::single(&taken.of, own);
                own.and(of_bound.scaled(-1.0)).expanded()
            });
            uncertainty = uncertainty.zip(against).map(|(a, b)| a.max(b));
        }
        let limit = Limit { id: None, low: min, high: max, source: LimitSource::Plan, owner: "plan".to_owned(), requirement: None };
        Ok((limit, uncertainty))
    }

    pub(crate) fn known(&self, expression: &Expression) -> Result<Evaluated, Stop> {
        let found = evaluate(expression, &self.names.borrow()).map_err(|e| Stop::error(e.to_string()))?;
        let Quantity { si, .. } = found.quantity;
        if si.is_finite() {
            Ok(found)
        } else {
            Err(Stop::error(format!("`{expression}` is {}, expected a finite quantity", found.quantity)))
        }
    }
}
