//! Which model and engine a portfolio asks for.

use super::Simulation;
use super::cursor::Cursor;
use super::json::{FromJson, Members, shown, text};
use super::record::record;
use super::value::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

record! {
    /// One element of `PricingEngines`: the model and engine of a product, and their parameters.
    pub struct PricingEngine {
        /// What it values, such as `EquityOption`.
        "Product" product: String,
        /// The model, such as `BlackScholesMerton`.
        "Model" model: String,
        /// The engine, such as `AnalyticEuropeanEngine`.
        "Engine" engine: String,
        /// Parameters of the model.
        #[serde(skip_serializing_if = "Option::is_none")]
        "ModelParameters" model_parameters: Option<Parameters>,
        /// Parameters of the engine.
        #[serde(skip_serializing_if = "Option::is_none")]
        "EngineParameters" engine_parameters: Option<Parameters>,
    }
}

/// Parameters by name, each the text of a string, a number or a truth value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(pub Vec<(String, String)>);

/// What is valued by simulation.
const SIMULATED: (&str, &str, &str) = (
    "EquityAsianOptionArithmeticPrice",
    "BlackScholesMerton",
    "MonteCarlo",
);

/// Product, model and engine of the trade types there are.
const ENGINES: [(&str, &str, &str); 9] = [
    (
        "EquityOption",
        "BlackScholesMerton",
        "AnalyticEuropeanEngine",
    ),
    (
        "EquityBarrierOption",
        "BlackScholesMerton",
        "AnalyticBarrierEngine",
    ),
    SIMULATED,
    (
        "EquityAsianOptionGeometricPrice",
        "BlackScholesMerton",
        "AnalyticDiscreteGeometricAPEngine",
    ),
    (
        "EquityForward",
        "DiscountedCashflows",
        "DiscountingEquityForwardEngine",
    ),
    (
        "FxForward",
        "DiscountedCashflows",
        "DiscountingFxForwardEngine",
    ),
    ("FxOption", "GarmanKohlhagen", "AnalyticEuropeanEngine"),
    ("Swap", "DiscountedCashflows", "DiscountingSwapEngine"),
    ("Bond", "DiscountedCashflows", "DiscountingRiskyBondEngine"),
];

impl PricingEngine {
    /// The one that simulates so many paths.
    pub(crate) fn simulating(paths: u32) -> Self {
        let parameters = vec![("RequiredSamples".to_owned(), paths.to_string())];
        Self {
            product: SIMULATED.0.to_owned(),
            model: SIMULATED.1.to_owned(),
            engine: SIMULATED.2.to_owned(),
            model_parameters: None,
            engine_parameters: Some(Parameters(parameters)),
        }
    }

    /// Tells `at` if a trade type that is supported is to be valued in a way that is not.
    pub(super) fn check(&self, at: &mut Cursor) {
        let known = ENGINES
            .iter()
            .find(|(product, ..)| *product == self.product);
        if let Some((product, model, engine)) = known
            && (self.model != *model || self.engine != *engine)
        {
            at.fault(format!(
                "{product} with model {} and engine {} is not supported: {model} with {engine} is",
                self.model, self.engine
            ));
        }
    }

    /// How it simulates, if it does; `at` is told of parameters that make no sense.
    pub(super) fn simulation(&self, at: &mut Cursor) -> Option<Simulation> {
        if self.product != SIMULATED.0 {
            return None;
        }
        let mut simulation = Simulation::default();
        let parameters = self.engine_parameters.iter().flat_map(|all| &all.0);
        at.field("EngineParameters", |at| {
            for (name, value) in parameters {
                let known = match &**name {
                    "RequiredSamples" => match value.parse() {
                        Ok(paths) if paths > 0 => {
                            simulation.paths = paths;
                            Ok(())
                        }
                        _ => Err(format!("from 1 to {}", u32::MAX)),
                    },
                    "Seed" => match value.parse() {
                        Ok(seed) => {
                            simulation.seed = seed;
                            Ok(())
                        }
                        Err(_) => Err(format!("from 0 to {}", u64::MAX)),
                    },
                    // Others say how the same value is arrived at.
                    _ => Ok(()),
                };
                if let Err(range) = known {
                    let message = format!("found {value}: a whole number {range} is needed");
                    at.fault_in(name, message);
                }
            }
        });
        Some(simulation)
    }
}

impl FromJson for Parameters {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let mut parameters = Vec::new();
        for (name, value) in Members::of(value, at)?.into_all() {
            let read = |at: &mut Cursor| match value.get().as_bytes().first() {
                Some(b'"') => text(value, at).map(Into::into),
                Some(b'{' | b'[') => {
                    at.fault(format!("found {}, a single value is needed", shown(value)));
                    None
                }
                _ => Some(value.get().to_owned()),
            };
            let text = at.named_field(&name, read)?;
            parameters.push((name.into_owned(), text));
        }
        Some(Self(parameters))
    }
}

impl Serialize for Parameters {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl JsonSchema for Parameters {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parameters".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]}
        })
    }
}
