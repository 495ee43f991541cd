//! JSON beside its schema, as far as the schemas of this program go: an unknown keyword is a failure of the test.

use regex_lite::Regex;
use serde_json::Value;

/// A document with the definitions that its schemas refer to.
pub(crate) struct Schemas<'a>(pub(crate) &'a Value);

impl Schemas<'_> {
    /// Where `value` is not what `schema` says.
    pub(crate) fn problem(&self, value: &Value, schema: &Value) -> Option<String> {
        if let Some(all) = schema.as_bool() {
            return (!all).then(|| format!("{value} is never right"));
        }
        let keywords = schema.as_object().expect("a schema");
        keywords.iter().find_map(|(keyword, says)| self.breaks(value, keyword, says, schema))
    }

    fn breaks(&self, value: &Value, keyword: &str, says: &Value, schema: &Value) -> Option<String> {
        let number = || value.as_f64().zip(says.as_f64());
        let length = || value.as_str().map(|text| text.chars().count() as u64).zip(says.as_u64());
        let is_broken = match keyword {
            "$ref" => {
                let path = says.as_str().expect("a text").trim_start_matches('#');
                let found = self.0.pointer(path);
                let found = found.unwrap_or_else(|| panic!("there is no schema {path}"));
                let name = path.rsplit('/').next().unwrap_or_default();
                return self.problem(value, found).map(|problem| format!("{name}: {problem}"));
            }
            "anyOf" => {
                let all = says.as_array().expect("schemas");
                all.iter().all(|schema| self.problem(value, schema).is_some())
            }
            "allOf" => {
                let mut all = says.as_array().expect("schemas").iter();
                return all.find_map(|schema| self.problem(value, schema));
            }
            "oneOf" => {
                let all = says.as_array().expect("schemas");
                all.iter().filter(|schema| self.problem(value, schema).is_none()).count() != 1
            }
            "type" => match says.as_array() {
                Some(types) => !types.iter().any(|one| is_of_type(value, one)),
                None => !is_of_type(value, says),
            },
            "enum" => !says.as_array().expect("values").contains(value),
            "const" => value != says,
            "minimum" => number().is_some_and(|(value, least)| value < least),
            "maximum" => number().is_some_and(|(value, most)| value > most),
            "minLength" => length().is_some_and(|(length, least)| length < least),
            "maxLength" => length().is_some_and(|(length, most)| length > most),
            "pattern" => {
                let pattern = Regex::new(says.as_str().expect("a text")).expect("a pattern");
                value.as_str().is_some_and(|text| !pattern.is_match(text))
            }
            "required" => {
                let names = says.as_array().expect("names").iter().filter_map(Value::as_str);
                let missing = |name: &&str| value.is_object() && value.get(*name).is_none();
                return { names }.find(missing).map(|name| format!("{name} is missing in {value}"));
            }
            "properties" => {
                let known = says.as_object().expect("schemas");
                return value.as_object()?.iter().find_map(|(name, value)| {
                    match known.get(name) {
                        Some(schema) => self.problem(value, schema),
                        // documented schemas are open, but what this program answers is in them
                        None if schema.get("additionalProperties").is_none() => {
                            Some("it is not documented".to_owned())
                        }
                        None => None,
                    }
                    .map(|problem| format!("{name}: {problem}"))
                });
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                return value.as_object()?.iter().find_map(|(name, value)| {
                    let is_known = known.is_some_and(|known| known.contains_key(name));
                    let problem = (!is_known).then(|| self.problem(value, says)).flatten();
                    problem.map(|problem| format!("{name}: {problem}"))
                });
            }
            "maxItems" => {
                let most = says.as_u64().expect("a number");
                value.as_array().is_some_and(|items| items.len() as u64 > most)
            }
            "minItems" => {
                let least = says.as_u64().expect("a number");
                value.as_array().is_some_and(|items| (items.len() as u64) < least)
            }
            "minProperties" => {
                let least = says.as_u64().expect("a number");
                value.as_object().is_some_and(|members| (members.len() as u64) < least)
            }
            "if" => {
                let mut wanted = says["properties"].as_object().expect("schemas").iter();
                let holds = wanted.all(|(name, schema)| {
                    value.get(name).is_none_or(|value| self.problem(value, schema).is_none())
                });
                let then = schema.get(if holds { "then" } else { "else" })?;
                return self.problem(value, then);
            }
            "items" => {
                let wrong = value.as_array()?.iter().enumerate();
                return { wrong }.find_map(|(place, item)| {
                    self.problem(item, says).map(|problem| format!("[{place}]: {problem}"))
                });
            }
            "description" | "title" | "format" | "default" | "then" | "else" => false,
            other => panic!("this test does not know the keyword {other}: {schema}"),
        };
        is_broken.then(|| format!("{value} is not {keyword} {says}"))
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("the name of a type") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

/// The comparison itself refuses what it should refuse.
#[test]
fn what_is_not_as_its_schema_says_is_a_problem() {
    let document = serde_json::json!({"components": {"schemas": {
        "Sku": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
        "Item": {
            "type": "object", "required": ["sku"],
            "properties": {
                "sku": {"$ref": "#/components/schemas/Sku"},
                "count": {"type": ["integer", "null"], "minimum": 1},
                "kind": {"enum": ["a", "b"]},
                "more": {"type": "array", "maxItems": 2, "items": {"anyOf": [{"type": "boolean"}, {"const": 1}]}},
                "any": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        },
    }}});
    let item = serde_json::json!({"$ref": "#/components/schemas/Item"});
    let problem = |value| Schemas(&document).problem(&value, &item);
    for right in [
        serde_json::json!({"sku": "tea"}),
        serde_json::json!({"sku": "t", "count": null, "kind": "b", "more": [1, true], "any": {"x": 1}}),
    ] {
        assert_eq!(problem(right), None);
    }
    for wrong in [
        serde_json::json!("tea"),
        serde_json::json!({}),
        serde_json::json!({"sku": "teas"}),
        serde_json::json!({"sku": "TEA"}),
        serde_json::json!({"sku": 1}),
        serde_json::json!({"sku": "tea", "count": 0}),
        serde_json::json!({"sku": "tea", "count": 1.5}),
        serde_json::json!({"sku": "tea", "kind": "c"}),
        serde_json::json!({"sku": "tea", "more": [2]}),
        serde_json::json!({"sku": "tea", "more": [1, 1, 1]}),
        serde_json::json!({"sku": "tea", "any": {"x": "y"}}),
        serde_json::json!({"sku": "tea", "colour": "green"}),
    ] {
        assert!(problem(wrong.clone()).is_some(), "{wrong}");
    }
}
