//! Tuples as return types of mappers of several models: each part has the records of one model.

use super::{Mapped, MappedBatch, Model, Record};
use crate::error::Result;

macro_rules! tuples {
    ($($part:ident)+) => {
        impl<$($part: Mapped<Model: Record>),+> Mapped for ($($part,)+) {
            type Model = ($($part::Model,)+);
            type Models = Self::Model;

            fn put(self, models: &[usize], batch: &mut MappedBatch) -> Result<()> {
                #[expect(non_snake_case, reason = "one identifier names a type and its value")]
                let ($($part,)+) = self;
                let mut models = models.iter().copied();
                $(
                    let part = batch.of_model(models.next().unwrap_or_default());
                    let model = <$part::Model as Model>::NAME;
                    $part.put(&[], part).map_err(|error| error.context(format!("in `{model}`")))?;
                )+
                Ok(())
            }
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

#[cfg(test)]
mod tests {
    use super::super::{Change, Children};
    use super::*;

    /// Order of these tests.
    #[crate::model]
    struct Order {
        /// Id of the order.
        id: u64,
    }

    /// Line of an order of these tests.
    #[crate::model]
    struct Line {
        /// Id of the line.
        id: String,
    }

    fn line(id: &str) -> Line {
        Line { id: id.to_owned() }
    }

    fn of_models(mapped: impl Mapped, models: &[usize]) -> Vec<String> {
        let mut batch = MappedBatch::default();
        mapped.put(models, &mut batch).unwrap();
        let others = batch.take_others();
        let ids = |batch: &MappedBatch| batch.ids().collect::<Vec<_>>().join(" ");
        std::iter::once(batch).chain(others).map(|batch| ids(&batch)).collect()
    }

    #[test]
    fn part_is_put_into_the_batch_of_its_model() {
        let lines = || vec![line("a"), line("b")];
        assert_eq!(of_models((Order { id: 1 }, lines()), &[0, 1]), ["1", "a b"]);
        assert_eq!(of_models((lines(), Some(Order { id: 1 })), &[1, 0]), ["1", "a b"]);
        assert_eq!(of_models((Change::<Order>::Delete(1), Children::<Line>::of(&1, [])), &[0, 1]), ["1", ""]);
        let deletes = vec![Change::Keep("a".to_owned()), Change::<Line>::Delete("b".to_owned())];
        assert_eq!(of_models(Ok::<_, crate::Error>((Order { id: 1 }, deletes)), &[0, 2]), ["1", "", "b a"]);
    }

    #[test]
    fn error_of_a_part_names_its_model() {
        let error = (Order { id: 1 }, vec![line("")]).put(&[0, 1], &mut MappedBatch::default()).unwrap_err();
        assert_eq!(error.to_string(), "in `Line`: its id is empty");
    }
}
