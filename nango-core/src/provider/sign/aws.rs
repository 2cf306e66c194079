//! AWS Signature Version 4.
//!
//! The algorithm is described in "Create a signed AWS API request" of AWS's documentation. The signed headers must be
//! sent unchanged: the caller adds `host` and `x-amz-date` (from [`AwsSigner::date`]) to the headers and sends them.

use std::borrow::Cow;

use nango_grammar::segment;
use url::Url;

use super::{canonical_query, hex, hmac_sha256, sha256};
use crate::time::Timestamp;

/// Replaces the hash of a body that is not known before it is sent. Supported by S3.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Parameters of an AWS signature.
#[derive(Clone, Copy)]
pub(crate) struct AwsSigner<'a> {
    /// Id of the access key.
    pub access_key_id: &'a str,
    /// Secret access key.
    pub secret_access_key: &'a str,
    /// Region, such as `us-east-1`.
    pub region: &'a str,
    /// Service, such as `iam`.
    pub service: &'a str,
    /// Time of the signature. A signature is valid for a few minutes.
    pub now: Timestamp,
}

impl AwsSigner<'_> {
    /// Returns the value of the header `x-amz-date`.
    pub(crate) fn date(&self) -> String {
        self.now.to_calendar().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Returns the value of the header `Authorization`. All `headers` are signed. `payload_hash`: the SHA-256 of the
    /// body in hexadecimal digits, or [`UNSIGNED_PAYLOAD`].
    pub(crate) fn authorization(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        payload_hash: &str,
    ) -> String {
        let date = self.date();
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let (signed, request) = self.canonical_request(method, url, headers, payload_hash);
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&sha256(request.as_bytes())));
        let mut key = hmac_sha256(format!("AWS4{}", self.secret_access_key).as_bytes(), day.as_bytes());
        for step in [self.region, self.service, "aws4_request"] {
            key = hmac_sha256(&key, step.as_bytes());
        }
        let signature = hex(&hmac_sha256(&key, text.as_bytes()));
        format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}", self.access_key_id)
    }

    /// Returns the names of the signed headers and the canonical request.
    fn canonical_request(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        payload_hash: &str,
    ) -> (String, String) {
        let mut headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect();
        // The sort is stable: values of one name keep their order.
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        headers.dedup_by(|(name, value), (kept, joined)| {
            let same = name == kept;
            if same {
                joined.push(',');
                joined.push_str(value);
            }
            same
        });
        let signed = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let lines =
            headers.iter().flat_map(|(name, value)| [name.as_str(), ":", value.as_str(), "\n"]).collect::<String>();
        let query = canonical_query(url.query().unwrap_or_default().as_bytes());
        let request =
            format!("{method}\n{}\n{query}\n{lines}\n{signed}\n{payload_hash}", self.canonical_path(url.path()));
        (signed, request)
    }

    /// Returns the canonical path: unchanged for S3; for other services without empty segments and encoded a second
    /// time.
    fn canonical_path<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.service == "s3" {
            return Cow::Borrowed(path);
        }
        let mut out = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            out.push('/');
            segment::push_encoded(&mut out, segment);
        }
        if path.ends_with('/') || out.is_empty() {
            out.push('/');
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the signer of AWS's test suite, at 2015-08-30 12:36:00 UTC.
    fn suite(service: &str) -> AwsSigner<'_> {
        AwsSigner {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service,
            now: Timestamp::from_micros(1_440_938_160_000_000),
        }
    }

    /// Signer of the examples in the documentation of S3, at 2013-05-24 00:00:00 UTC.
    const S3: AwsSigner<'static> = AwsSigner {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "s3",
        now: Timestamp::from_micros(1_369_353_600_000_000),
    };

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(signer: AwsSigner<'_>, method: &str, url: &str, headers: &[(&str, &str)], hash: &str, expect: &str) {
        let got = signer.authorization(method, &url.parse().unwrap(), headers, hash);
        assert_eq!(got.rsplit('=').next(), Some(expect), "{method} {url}: {got}");
    }

    #[test]
    fn signature_matches_aws_test_suite() {
        let host = ("host", "example.amazonaws.com");
        let date = ("x-amz-date", "20150830T123600Z");
        let check = |method, url: &str, more: &[(&str, &str)], expect| {
            let headers = [&[host, date], more].concat();
            check(suite("service"), method, &format!("https://example.amazonaws.com{url}"), &headers, EMPTY, expect);
        };
        let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        check("GET", "/", &[], vanilla);
        check("GET", "//", &[], vanilla);
        check("GET", "/example/..", &[], vanilla);
        check("POST", "/", &[], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        check(
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
    }

    #[test]
    fn signature_matches_documentation_example() {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded;   charset=utf-8"),
            ("Host", "iam.amazonaws.com"),
            ("X-Amz-Date", "20150830T123600Z"),
        ];
        let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08".parse().unwrap();
        assert_eq!(
            suite("iam").authorization("GET", &url, &headers, EMPTY),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn signature_matches_s3_examples() {
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let hashed = ("x-amz-content-sha256", EMPTY);
        let date = ("x-amz-date", "20130524T000000Z");
        let url = |path: &str| format!("https://examplebucket.s3.amazonaws.com{path}");
        let range = [host, ("range", "bytes=0-9"), hashed, date];
        let expect = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        check(S3, "GET", &url("/test.txt"), &range, EMPTY, expect);
        let expect = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
        check(S3, "GET", &url("/?lifecycle"), &[host, hashed, date], EMPTY, expect);
        let expect = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        check(S3, "GET", &url("/?max-keys=2&prefix=J"), &[host, hashed, date], EMPTY, expect);
        let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        let put = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            ("x-amz-content-sha256", hash),
            date,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        let expect = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
        check(S3, "PUT", &url("/test%24file.text"), &put, hash, expect);
    }

    #[test]
    fn canonical_request_encodes_paths_and_joins_repeated_headers() {
        assert_eq!(suite("iam").canonical_path("/a%20b//c/"), "/a%2520b/c/");
        assert_eq!(suite("s3").canonical_path("/a%20b//c/"), "/a%20b//c/");
        let url = "https://h.test/".parse().unwrap();
        let (signed, request) =
            suite("iam").canonical_request("GET", &url, &[("X", " b  c "), ("host", "h.test"), ("x", "a")], EMPTY);
        assert_eq!(signed, "host;x");
        assert_eq!(request, format!("GET\n/\n\nhost:h.test\nx:b c,a\n\nhost;x\n{EMPTY}"));
    }
}
