//! What `junit-report` writes, made fit for XML 1.0 and the Jenkins schema: it
//! puts control characters and `]]>` raw into the file, and times with all the
//! digits of a binary fraction, where three are allowed.

/// Every character XML 1.0 forbids becomes U+FFFD, and `]]>`, which would end a
/// CDATA section, is broken.
pub(super) fn clean(text: &str) -> String {
    // Almost every text is printable ASCII without anything to replace.
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b']') {
        return text.to_owned();
    }
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().map(|c| if legal(c) { c } else { '\u{fffd}' }).collect();
    text.replace("]]>", "]]\u{fffd}>")
}

/// For an attribute: one line.
pub(super) fn line(text: &str) -> String {
    clean(&crate::text::plain(text))
}

/// A finished report with three decimals in each `time`. Even a whole number
/// of milliseconds comes as `1.1179999999999999`.
pub(super) fn round_times(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((markup, data)) = rest.split_once(CDATA) {
        let (data, after) = data.split_once(CDATA_END).unwrap_or((data, ""));
        round_attributes(markup, &mut out);
        for part in [CDATA, data, CDATA_END] {
            out.push_str(part);
        }
        rest = after;
    }
    round_attributes(rest, &mut out);
    out
}

const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";

/// Values are escaped, so a quotation mark always bounds one.
fn round_attributes(markup: &str, out: &mut String) {
    const TIME: &str = " time=\"";
    for (i, part) in markup.split(TIME).enumerate() {
        if i == 0 {
            out.push_str(part);
            continue;
        }
        let (digits, after) = part.split_once('"').unwrap_or((part, ""));
        let seconds: f64 = digits.parse().unwrap_or(0.0);
        out.push_str(&format!("{TIME}{seconds:.3}\"{after}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals_and_text_stays() {
        let xml =
            r#"<a time="1.1179999999999999" name=" time=&quot;1"><b time="3"><![CDATA[<a time="1.23456">]]></b><c time="0.0005"/></a>"#;
        let rounded = r#"<a time="1.118" name=" time=&quot;1"><b time="3.000"><![CDATA[<a time="1.23456">]]></b><c time="0.001"/></a>"#;
        assert_eq!(round_times(xml), rounded);
    }

    #[test]
    fn nothing_that_xml_forbids_is_left() {
        for c in '\0'..=char::MAX {
            let cleaned = clean(&c.to_string());
            let forbidden = matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
            assert_eq!(cleaned == "\u{fffd}", forbidden || c == '\u{fffd}', "{c:?}");
        }
        for text in ["]]>", "]]]>", "]]]]>>", "]]]]]>>>]]>"] {
            assert!(!clean(text).contains("]]>"), "{text}");
        }
        assert_eq!(line("a\nb\t]]>"), "a\u{fffd}b\u{fffd}]]\u{fffd}>");
    }
}
