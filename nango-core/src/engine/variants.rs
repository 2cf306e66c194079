//! Variants of syncs: another schedule, other records and another checkpoint of the same sync and connection.

use uuid::Uuid;

use super::{
    error::EngineError,
    schedule::new_schedule,
    triggers::{declared, require},
};
use crate::{
    run::Runtime,
    store::{BASE_VARIANT, FunctionKey, ScheduleFilter, StoreError, empty_dataset},
};

/// Maximum number of variants of a sync of a connection, without the base variant.
const MAX_VARIANTS: usize = 100;

/// Creates a variant. It has the frequency of the base variant.
pub(super) async fn create(runtime: &Runtime, key: &FunctionKey) -> Result<(), EngineError> {
    let name = &key.variant;
    if name.is_empty()
        || name.len() > 255
        || name == BASE_VARIANT
        || name.contains("::")
        || name.chars().any(char::is_control)
    {
        return Err(EngineError::VariantName { variant: name.clone() });
    }
    let base = FunctionKey { variant: BASE_VARIANT.to_owned(), ..key.clone() };
    let def = require(runtime, &base).await?;
    let FunctionKey { integration, connection, function: sync, variant, .. } = key.clone();
    let filter = ScheduleFilter {
        integration: Some(integration),
        connection: Some(connection.clone()),
        sync: Some(sync.clone()),
    };
    let existing = runtime.store.schedules(filter).await?;
    if existing.iter().any(|schedule| schedule.key == *key) {
        return Err(EngineError::VariantExists { sync, connection, variant });
    }
    let variants = existing.iter().filter(|schedule| schedule.key.variant != BASE_VARIANT);
    if variants.count() >= MAX_VARIANTS {
        return Err(EngineError::TooManyVariants { sync, connection, limit: MAX_VARIANTS });
    }
    let mut new = new_schedule(key.clone(), def, runtime.store.now());
    if let Some(base) = existing.iter().find(|schedule| schedule.key.variant == BASE_VARIANT) {
        (new.frequency, new.interval) = (base.frequency.clone(), base.interval);
        new.next_at = base.interval.map(|_| new.anchor);
    }
    if runtime.store.add_schedules(vec![new]).await? == 0 {
        return Err(EngineError::VariantExists { sync, connection, variant });
    }
    Ok(())
}

/// Deletes a variant with its schedule, its records and its checkpoint. `cancel` cancels runs of
/// this process by their ids.
pub(super) async fn delete(runtime: &Runtime, key: &FunctionKey, cancel: impl Fn(&[Uuid])) -> Result<(), EngineError> {
    let def = declared(runtime, key)?;
    if key.variant == BASE_VARIANT {
        return Err(EngineError::VariantName { variant: key.variant.clone() });
    }
    require(runtime, key).await?;
    runtime.store.remove_schedule(key).await?;
    // Ends the right to write before the records are removed.
    cancel(&runtime.store.cancel_runs(key).await?);
    let removed = async {
        runtime.store.reset(key).await?;
        for model in def.models {
            empty_dataset(&runtime.store, &key.dataset(model.name), |_| true).await?;
        }
        Ok::<_, StoreError>(())
    };
    Ok(removed.await?)
}
