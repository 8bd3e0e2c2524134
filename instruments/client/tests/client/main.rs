//! Links and protocols against peers that these tests play.

mod hislip;
mod link;
mod pipeline;
mod socket;
mod support;
mod usbtmc;
mod vxi11;
