#[allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]
/// Syncs orders with their lines.
pub fn orders(order: ApiOrder) -> (Order, Children<Line>) {
    order.parts()
}
#[doc(hidden)]
#[allow(
    non_snake_case,
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod __orders {
    pub enum orders {}
}
const _: () = {
    use ::nango_core::__private as __nango;
    type __M0 = Order;
    impl __nango::Saves<__M0> for __orders::orders {}
    type __M1 = Line;
    impl __nango::Saves<__M1> for __orders::orders {
        const INDEX: usize = 1usize;
    }
    static __MAPPER: __nango::Mapper = __nango::Mapper {
        endpoint: __nango::Endpoint::Fixed("/orders"),
        request: __nango::ListRequest::GET,
        paginate: ::core::option::Option::None,
        retries: 0u32,
        since: ::core::option::Option::None,
        errors: &[],
        on_invalid: __nango::OnInvalid::Fail,
        each: ::core::option::Option::None,
        delta: ::core::option::Option::None,
        map: __nango::map_of_models::<
            __orders::orders,
            (Order, Children<Line>),
        >(
            2usize,
            __nango::MapRecord::Plain(|record, batch| {
                __nango::map_record::<
                    __orders::orders,
                    ApiOrder,
                    (Order, Children<Line>),
                >(orders, record, batch)
            }),
        ),
    };
    static __DEF: __nango::SyncDef = __nango::SyncDef {
        at: __nango::Location {
            file: ::core::file!(),
            line: ::core::line!(),
            function: ::core::concat!(::core::module_path!(), "::orders"),
        },
        integration: "shop",
        name: "orders",
        description: "Syncs orders with their lines.",
        version: "0.0.1",
        frequency: ::core::option::Option::None,
        auto_start: true,
        track_deletes: true,
        deletes: __nango::Deletes {
            confirm: ::core::option::Option::None,
            request: ::core::option::Option::None,
            hold: __nango::Deletes::DEFAULT_HOLD,
            max_percent: ::core::option::Option::None,
        },
        merging: __nango::Merging::Newer,
        scopes: &[],
        models: &[<__M0 as __nango::Record>::RECORD, <__M1 as __nango::Record>::RECORD],
        checkpoint: ::core::option::Option::None,
        metadata: ::core::option::Option::None,
        run: __nango::SyncRun::Mapper(&__MAPPER),
    };
    impl __nango::SyncMarker for __orders::orders {
        const DEF: &'static __nango::SyncDef = &__DEF;
    }
    __nango::inventory::submit!(__nango::Item::Sync(& __DEF));
};
