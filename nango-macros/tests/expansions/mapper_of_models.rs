/// Syncs orders with their lines.
#[sync(models("Order", "Line"), integration = "shop", endpoint = "/orders", track_deletes)]
pub fn orders(order: ApiOrder) -> (Order, Children<Line>) {
    order.parts()
}
