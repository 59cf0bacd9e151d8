//! Places that hold a credential by their name: headers, parameters of a query, fields of JSON.

/// Returns whether the whole value of a header is a credential.
pub(super) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["cookie", "set-cookie", "www-authenticate", "token"].contains(&name.as_str())
        || ["api-key", "apikey", "authorization", "secret", "password", "credential"]
            .iter()
            .any(|part| name.contains(part))
        // Not `x-ratelimit-remaining-tokens`.
        || name.ends_with("-token")
}

/// Returns whether the value of a parameter in a query is a credential.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "key",
        "auth",
        "code",
        "sig",
        "signature",
        "token",
        "x-amz-signature",
        "x-amz-credential",
        "x-amz-security-token",
        "x-goog-signature",
        "x-goog-credential",
    ]
    .contains(&name.as_str())
        || is_secret_field(&name)
}

/// Returns whether a JSON field of this name holds a credential and nothing else.
///
/// Not `token`: that is also a piece of text with its log probability, or the place where the next
/// page begins.
pub(super) fn is_secret_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    SECRET_FIELDS.contains(&name.as_str())
}

/// Returns a pattern of the names of fields that hold a credential.
pub(super) fn secret_field_names() -> String {
    let spelt = |name: &&str| {
        let letters: Vec<String> = name.chars().map(String::from).collect();
        letters.join("[-_]*")
    };
    let names: Vec<String> = SECRET_FIELDS.iter().map(spelt).collect();
    format!("(?i-u:{})", names.join("|"))
}

/// Names in small letters, without hyphens and underscores.
const SECRET_FIELDS: &[&str] = &[
    "apikey",
    "xapikey",
    "authorization",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "bearertoken",
    "idtoken",
    "sessiontoken",
    "clientsecret",
    "secretkey",
    "secretaccesskey",
    "subscriptionkey",
    "privatekey",
    "password",
    "passwd",
    "passphrase",
];
