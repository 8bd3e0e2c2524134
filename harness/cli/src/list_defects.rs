//! tmp
/// tmp
pub fn list(_a: &crate::args::DefectsArguments) -> Result<u8, crate::failure::Failure> { Ok(0) }
