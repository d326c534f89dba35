//! The cargo map: names, types, expiries, and when it is dirty.

mod changes;
mod expiries;
mod refused;
mod values;

use sealtoken::CargoKey;

const USER_ID: CargoKey<u64> = CargoKey::new("user_id");
