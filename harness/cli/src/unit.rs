//! The virtual unit of a run.
use std::path::Path;
use hil_twin::TwinConfig;
use crate::failure::Failure;
use crate::project::Project;
/// tmp
#[derive(Default)]
pub struct VirtualUnit { /// ids
    pub ids: Vec<String> }
impl VirtualUnit { /// tmp
    pub fn choose(_p:&Project,_ids:&[String],_f:Option<&Path>,_seed:u64)->Result<Self,Failure>{Ok(Self::default())}
    /// tmp
    pub fn apply(&self,_c:&mut TwinConfig)->Result<(),Failure>{Ok(())} 
    /// ids
    pub fn defects(&self)->Vec<String>{self.ids.clone()} }
