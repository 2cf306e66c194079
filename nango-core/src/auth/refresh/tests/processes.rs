//! Refreshes of one connection by several processes.

use super::*;

impl Fixture {
    /// Another process on the same database.
    pub(super) fn other_process(&self) -> Arc<TokenRefresher> {
        TokenRefresher::new(self.store.clone(), self.tokens.ring.clone(), self.server.clone(), Arc::new(SystemClock))
    }

    pub(super) fn force_refresh(
        &self,
        tokens: Arc<TokenRefresher>,
    ) -> tokio::task::JoinHandle<Result<CredentialsSnapshot, RefreshError>> {
        let context = self.context.clone();
        tokio::spawn(async move { tokens.force_refresh(&context).await })
    }
}

#[tokio::test]
async fn concurrent_processes_share_one_request() {
    let setup = Fixture::new(
        old_credentials(),
        None,
        TokenServer { delay: Duration::from_millis(300), ..TokenServer::default() },
    )
    .await;
    let first = setup.force_refresh(setup.other_process());
    wait_until(|| setup.server.request_count() == 1).await;
    let others = [setup.force_refresh(setup.other_process()), setup.force_refresh(setup.other_process())];
    for one in [first].into_iter().chain(others) {
        assert_eq!(one.await.unwrap().unwrap().credentials.token(), Some("t1"));
    }
    assert_eq!(setup.server.request_count(), 1);
    // A later caller causes another refresh.
    assert_eq!(setup.force_refresh(setup.other_process()).await.unwrap().unwrap().credentials.token(), Some("t2"));
}

#[tokio::test]
async fn concurrent_processes_share_a_failed_refresh() {
    for (response, expect) in
        [((503, json!({})), "returned 503"), ((400, json!({ "error": "invalid_grant" })), "connected again")]
    {
        let server = TokenServer {
            responses: Mutex::new([response].into()),
            delay: Duration::from_millis(300),
            ..TokenServer::default()
        };
        let setup = Fixture::new(old_credentials(), None, server).await;
        let first = setup.force_refresh(setup.other_process());
        wait_until(|| setup.server.request_count() == 1).await;
        for one in [first, setup.force_refresh(setup.other_process())] {
            let error = one.await.unwrap().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        }
        assert_eq!(setup.server.request_count(), 1);
        setup.force_refresh(setup.other_process()).await.unwrap().unwrap();
    }
}

#[derive(Debug, Default)]
struct WaitRecorder(Mutex<Vec<String>>);

impl WaitObserver for WaitRecorder {
    fn on_wait(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

#[tokio::test]
async fn wait_for_refresh_of_another_process_is_reported_with_limit() {
    let setup = Fixture::new(
        expired_credentials(),
        Some(Timestamp::UNIX_EPOCH),
        TokenServer { delay: Duration::from_millis(1_500), ..TokenServer::default() },
    )
    .await;
    let first = setup.force_refresh(setup.other_process());
    wait_until(|| setup.server.request_count() == 1).await;
    let reports = Arc::new(WaitRecorder::default());
    let current = setup.tokens.load(&setup.context).await.unwrap();
    let refreshing =
        Arc::new(RefreshingCredentials::new(setup.other_process(), setup.context.clone(), current).unwrap());
    refreshing.set_wait_observer(reports.clone());
    assert_eq!(sent(&refreshing).await.unwrap().0, "Bearer t1");
    first.await.unwrap().unwrap();
    let expect = "waiting at most 90 s for another process that refreshes the token of connection `ann` of `shop`";
    assert_eq!(*reports.0.lock().unwrap(), [expect]);
    assert_eq!(setup.server.request_count(), 1);
}
