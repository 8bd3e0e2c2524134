//! What an LED analyser says of one LED.

use hil_client::led::Light;

/// A colour is one that there is, and nothing of it is taken from nonsense.
pub fn check(bytes: &[u8]) {
    if let Some(Light::Colour { hue, saturation, intensity }) = Light::parse(bytes) {
        assert!((0.0..=360.0).contains(&hue), "{hue}");
        assert!((0.0..=100.0).contains(&saturation), "{saturation}");
        assert!(intensity > 0.0 && intensity < 99_999.5, "{intensity}");
    }
}
