//! Several questions of one job in one go, where the instrument takes them so and the
//! link does not keep messages apart; the replies in their order.
//!
//! A reply too many or too few would shift all that follow. So the identity, known by
//! now, is asked for last, and only when it comes last, and alone, the replies count;
//! otherwise none of them does, and the link is out of step.

use std::collections::VecDeque;

use super::{Actor, garbled};
use crate::error::ErrorKind;
use crate::link::{Lane, Move, Outcome};

impl Actor {
    /// How many of the next moves may go out in one go.
    pub(super) fn questions_at_front(&self, moves: &VecDeque<Move>) -> usize {
        if !self.wiring.settings.pipelines || self.stream.has_messages() || self.identity.is_none() {
            return 0;
        }
        moves.iter().take_while(|m| matches!(m, Move::Ask { .. })).count()
    }

    /// Each reply has its time from the one before.
    pub(super) async fn ask_in_one_go(&mut self, lane: Lane, questions: Vec<Move>) -> Result<Vec<Outcome>, ErrorKind> {
        self.ensure_in_step(lane).await?;
        let outcomes = self.asked_in_one_go(lane, &questions).await;
        if outcomes.is_err() {
            self.out_of_step();
            // Which asks for the identity too.
            self.ambiguous = true;
        }
        outcomes
    }

    async fn asked_in_one_go(&mut self, lane: Lane, questions: &[Move]) -> Result<Vec<Outcome>, ErrorKind> {
        let settings = std::rc::Rc::clone(&self.wiring.settings);
        let mut asks = Vec::with_capacity(questions.len() + 1);
        for m in questions {
            let Move::Ask { query, within } = m else { continue };
            asks.push((query.as_str(), within.unwrap_or(settings.reply_within)));
        }
        asks.push((settings.identify.as_str(), settings.reply_within));
        self.wiring.note(&format!("{} questions in one go, the last for the identity", asks.len()));
        let asked = self.send_all(&asks.iter().map(|(query, _)| *query).collect::<Vec<_>>()).await?;
        let mut outcomes = Vec::with_capacity(asks.len());
        let mut last = Vec::new();
        for (query, within) in &asks {
            last = self.reply(lane, query, *within).await?;
            outcomes.push(Outcome::Answered { reply: last.clone(), asked, answered: self.wiring.clock.now() });
        }
        self.nothing_more(&settings.identify, &last)?;
        outcomes.pop();
        if self.identity.as_ref() == Some(&last) {
            return Ok(outcomes);
        }
        Err(garbled(&settings.identify, &last, "its identity, after the replies to all questions"))
    }
}
