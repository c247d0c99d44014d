//! What servers cannot hold as it is: texts beyond ASCII in header values, names of metadata on Azure.
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// As S3 itself answers texts beyond ASCII: an RFC 2047 word. Texts that look like one are wrapped as well.
pub fn encode_value(value: &str) -> String {
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b)) && !value.starts_with("=?");
    // Servers trim the ends of a header's value.
    if plain && value.trim() == value {
        return value.to_string();
    }
    format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(value))
}

pub fn decode_value(value: &str) -> String {
    decode_word(value).unwrap_or_else(|| value.to_string())
}

fn decode_word(value: &str) -> Option<String> {
    let inner = value.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut fields = inner.splitn(3, '?');
    let (charset, encoding, text) = (fields.next()?, fields.next()?, fields.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => BASE64_STANDARD.decode(text).ok()?,
        "Q" | "q" => decode_q(text)?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'_' => out.push(b' '),
            b'=' => {
                let pair = [bytes.next()?, bytes.next()?];
                out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// Azure takes identifiers only: other characters, and a digit at the beginning, become `_` and two hex digits; `_` is doubled.
pub fn encode_azure_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (i, byte) in name.bytes().enumerate() {
        match byte {
            b'_' => out.push_str("__"),
            b'0'..=b'9' if i == 0 => out.push_str(&format!("_{byte:02x}")),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(byte as char),
            _ => out.push_str(&format!("_{byte:02x}")),
        }
    }
    out
}

/// What another program named with a `_` of its own stays as it is.
pub fn decode_azure_name(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'_' {
            out.push(bytes[at] as char);
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'_') {
            out.push('_');
            at += 2;
        } else {
            let code = name.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            match code {
                Some(c) if (c.is_ascii_digit() && at == 0) || (c.is_ascii_graphic() && !c.is_ascii_alphanumeric()) => {
                    out.push(c as char);
                    at += 3;
                }
                _ => {
                    out.push('_');
                    at += 1;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        for value in ["", "a", " a", "a ", "gr\u{fc}\u{df}", "=?x", "=?UTF-8?B?YQ==?=", "a=b; c?d"] {
            let encoded = encode_value(value);
            assert!(encoded.is_ascii());
            assert_eq!(decode_value(&encoded), value);
        }
        assert_eq!(decode_value("=?UTF-8?Q?gr=C3=BC_x?="), "gr\u{fc} x");
        assert_eq!(decode_value("=?latin1?B?YQ==?="), "=?latin1?B?YQ==?=");
        assert_eq!(decode_value("=?UTF-8?B?!!?="), "=?UTF-8?B?!!?=");
    }

    #[test]
    fn azure_names_come_back() {
        for name in ["owner", "x-note", "a_b", "__", "-", "1st", "a1", "x.y~z", "_2d"] {
            let encoded = encode_azure_name(name);
            assert!(encoded.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()), "{encoded}");
            assert!(!encoded.as_bytes()[0].is_ascii_digit());
            assert_eq!(decode_azure_name(&encoded), name);
        }
        assert_eq!(decode_azure_name("my_name"), "my_name");
        assert_eq!(decode_azure_name("my_face"), "my_face");
        assert_eq!(decode_azure_name("end_"), "end_");
    }
}
