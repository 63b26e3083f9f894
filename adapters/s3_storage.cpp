// Read, compare, write, read back.
#include "adapters/s3_storage.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/redact.hpp"
#include "domain/names.hpp"

namespace muster {

using environment::Ask;
using environment::Ensured;
using environment::Outcome;

/// Where a configuration is, and the code that says there is none.
struct S3Storage::Kind {
  const char* part;
  const char* root;
  std::string_view none;
};

namespace {

constexpr S3Storage::Kind kVersioning{"versioning", "VersioningConfiguration", ""};
constexpr S3Storage::Kind kLifecycle{"lifecycle", "LifecycleConfiguration", "NoSuchLifecycleConfiguration"};
constexpr S3Storage::Kind kTagging{"tagging", "Tagging", "NoSuchTagSet"};

constexpr size_t kMaxKey = 1024;  // Bytes of an access or secret key.

constexpr int kWrites = 2;  // The second when some of what was written is not there afterwards.
constexpr std::string_view kObjectSize = "x-amz-transition-default-minimum-object-size";

/// A word of the server's that may be shown: short, and nothing but letters, digits and dashes.
std::string word(std::string_view text) {
  const bool plain = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  return plain ? std::string(text) : "";
}

std::string code_of(const HttpReply& reply) {
  const auto error = s3::Document::parse(reply.body, "Error");
  return error ? word(error->child("Code")) : "";
}

bool success(const HttpReply& reply) {
  return reply.status >= 200 && reply.status < 300;
}

HttpHeaders idempotency(const Ask& ask) {
  if (ask.key.empty()) return {};
  return {{"idempotency-key", ask.key}};
}

/// host[:port] of a URL without a path, without the port that is understood.
std::string host_of(const std::string& url) {
  const bool tls = url.starts_with("https:");
  auto host = url.substr(tls ? 8 : 7);
  const std::string_view usual = tls ? ":443" : ":80";
  if (host.ends_with(usual)) host.erase(host.size() - usual.size());
  return host;
}

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

std::string fault_of(const S3Settings& settings) {
  if (auto fault = names::url_fault(settings.endpoint); !fault.empty())
    return "the URL of the object storage " + fault;
  const auto host = host_of(settings.endpoint);
  if (host.find_first_of("/?#") != std::string::npos)
    return "the URL of the object storage must have no path";
  return word(settings.region).empty() ? "the region of the object storage is no region's name" : "";
}

/// Whether `after` has each rule of `wanted`; those that are gone are added to it.
Result<bool> mend_rules(const s3::Document& wanted, s3::Document& after) {
  const auto before = wanted.rules(), got = after.rules();
  if (!before || !got) return !before ? before.error() : got.error();
  const auto gone = buckets::vanished(*before, *got);
  for (const auto index : gone) after.add_rule_of(wanted, index);
  return gone.empty();
}

/// Whether `after` has each tag of `wanted`, in its value when it is one of `ours`; otherwise it is set
/// again.
Result<bool> mend_tags(const s3::Document& wanted, s3::Document& after, const buckets::Tags& ours) {
  const auto before = wanted.tags(), got = after.tags();
  if (!before || !got) return !before ? before.error() : got.error();
  bool whole = true;
  for (const auto& [key, value] : *before) {
    const auto found = got->find(key);
    if (found != got->end() && (ours.count(key) == 0 || found->second == value)) continue;
    after.set_tag(key, value);
    whole = false;
  }
  return whole;
}

/// In every text of it.
void hide(Json& json, const std::string& secret) {
  if (json.is_string()) json = redacted(json.get_ref<const std::string&>(), secret);
  if (json.is_structured())
    for (auto& each : json) hide(each, secret);
}

S3Settings tidy(S3Settings settings) {
  settings.endpoint = without_slash(std::move(settings.endpoint));
  return settings;
}

}  // namespace

Status check(const S3Settings& given) {
  const auto settings = tidy(given);
  if (auto fault = fault_of(settings); !fault.empty()) return Error{"field.invalid", fault};
  for (const auto* key : {&settings.credentials.access_key, &settings.credentials.secret_key})
    if (!names::line_fault(*key, kMaxKey).empty())
      return Error{"field.invalid",
                   "a key of the object storage has a line break or another control character"};
  return Done{};
}

S3Storage::S3Storage(S3Settings settings, Now now)
  : settings_(tidy(std::move(settings))), now_(std::move(now)) {
  if (auto sound = check(settings_); !sound)
    fault_ = sound.error().detail;
  else
    host_ = host_of(settings_.endpoint);
}

void S3Storage::begin() {
  retry_after_ = {};
  deadline_ = settings_.clock() + settings_.total_timeout;
}

Result<HttpReply> S3Storage::call(const std::string& method, const std::string& bucket,
                                  const std::string& part, const std::string& body,
                                  const HttpHeaders& headers) {
  if (!fault_.empty()) return Error{"field.invalid", fault_};
  const auto left = std::chrono::ceil<Millis>(deadline_ - settings_.clock());
  if (left.count() <= 0) return Error{"unreachable", "the object storage takes too long"};
  aws::Request request{method, "/" + bucket, {}, headers, body};
  if (!part.empty()) request.query.emplace_back(part, "");
  request.headers.emplace_back("host", host_);
  HttpRequest http{.method = method,
                   .url = settings_.endpoint + request.path,
                   .headers = aws::sign(request, {settings_.region, "s3"}, settings_.credentials, now_()),
                   .body = body,
                   .connect_timeout = settings_.connect_timeout,
                   .total_timeout = left,
                   .ca_file = settings_.ca_file,
                   .max_bytes = s3::kMaxDocument};
  if (!part.empty()) http.url += "?" + aws::query_text(request.query);
  // Ceph's gateway sends the body of a reply when its head was acknowledged, which takes 40 ms on a
  // connection that is used again. Making another takes less, unless TLS has to be agreed upon.
  if (http.url.starts_with("http:")) http.headers.emplace_back("connection", "close");
  auto reply = client_.fetch(http);
  if (reply) return reply;
  const auto& error = reply.error();
  // The URL is one: what is left for these codes is what the server did.
  if (error.code == "field.invalid" || error.code == "reply.too.large")
    return Error{"backend.reply", error.detail};
  return error;
}

Result<HttpReply> S3Storage::put(const std::string& bucket, const std::string& part, const std::string& body,
                                 const Ask& ask, HttpHeaders headers) {
  headers.emplace_back("content-type", "application/xml");
  headers.emplace_back("content-md5", aws::content_md5(body));
  for (auto& header : idempotency(ask)) headers.push_back(std::move(header));
  return call("PUT", bucket, part, body, headers);
}

Ensured S3Storage::hidden(Ensured told) const {
  hide(told.actual, settings_.credentials.secret_key);
  return told;
}

Error S3Storage::failure(const HttpReply& reply, const std::string& what) {
  const auto code = redacted(code_of(reply), settings_.credentials.secret_key);
  auto detail =
    what + ": the server answered " + std::to_string(reply.status) + (code.empty() ? "" : " " + code);
  retry_after_ = reply.retry_after().value_or(std::chrono::seconds{0});
  if (retry_after_.count() > 0)
    detail += ", and to ask again in " + std::to_string(retry_after_.count()) + " s";
  if (reply.status == 429 || code == "SlowDown" || code == "OperationAborted" ||
      (reply.status == 503 && retry_after_.count() > 0))
    return {"backend.throttled", detail};
  if (reply.status >= 500) return {reply.status == 503 ? "unreachable" : "backend.failed", detail};
  if (reply.status >= 300 && reply.status < 400) {
    const auto region = redacted(word(reply.header("x-amz-bucket-region")), settings_.credentials.secret_key);
    return {"backend.conflict",
            what + " is in " + (region.empty() ? "another region" : "the region " + region)};
  }
  if (code == "BucketAlreadyExists") return {"backend.conflict", what + " is somebody else's"};
  if (code == "NoSuchBucket") return {"not.found", detail};
  if (reply.status >= 400 && reply.status != 404) return {"backend.refused", detail};
  return {"backend.reply", detail};
}

Result<bool> S3Storage::exists(const std::string& bucket) {
  const auto head = call("HEAD", bucket, "");
  if (!head) return head.error();
  if (success(*head)) return true;
  if (head->status == 404) return false;
  if (head->status != 400 && head->status != 403) return failure(*head, bucket);
  // A HEAD has no body to say why: whether the key is wrong, or the bucket somebody else's.
  const auto reason = call("GET", bucket, "location");
  if (!reason) return reason.error();
  if (success(*reason))
    return Error{"backend.refused", bucket + " is there, and these credentials may not look at it"};
  if (reason->status == 403 && code_of(*reason) == "AccessDenied")
    return Error{"backend.conflict", bucket + " is there, and is not of these credentials"};
  return failure(*reason, bucket);
}

Result<S3Storage::Configuration> S3Storage::read(const std::string& bucket, const Kind& kind,
                                                 bool absent_is_empty) {
  const auto reply = call("GET", bucket, kind.part);
  if (!reply) return reply.error();
  if (success(*reply)) {
    auto document = s3::Document::parse(reply->body, kind.root);
    if (!document) return Error{"backend.reply", bucket + ", " + kind.part + ": " + document.error().detail};
    Configuration read{std::move(*document)};
    if (const auto size = reply->header(kObjectSize); !size.empty())
      read.kept.emplace_back(kObjectSize, size);
    return read;
  }
  // Only these words mean that there is nothing: what is written replaces all that there is.
  const auto code = code_of(*reply);
  const bool none = !kind.none.empty() && code == kind.none;
  if (reply->status == 404 && (none || (absent_is_empty && code == "NoSuchBucket")))
    return Configuration{s3::Document::empty(kind.root)};
  return failure(*reply, bucket + ", " + kind.part);
}

Status S3Storage::write(const std::string& bucket, const Kind& kind, Configuration wanted, const Ask& ask,
                        const Mend& mend) {
  for (int i = 0; i < kWrites; i++) {
    // A PUT of nothing at all is none that S3 takes.
    const auto written = wanted.document.holds_nothing()
                           ? call("DELETE", bucket, kind.part, {}, idempotency(ask))
                           : put(bucket, kind.part, wanted.document.text(), ask, wanted.kept);
    if (!written) return written.error();
    if (!success(*written)) return failure(*written, bucket + ", " + kind.part);
    auto after = read(bucket, kind, false);
    if (!after) return after.error();
    const auto whole = mend(wanted.document, after->document);
    if (!whole) return whole.error();
    if (*whole) return Done{};
    wanted = std::move(*after);
  }
  return Error{"backend.reply", bucket + ", " + kind.part + ": what was written twice is not there"};
}

Result<Ensured> S3Storage::ensure_bucket(const std::string& bucket, const Ask& ask) {
  if (auto named = buckets::check(bucket); !named) return named.error();
  begin();
  const auto found = exists(bucket);
  if (!found) return found.error();
  auto told = buckets::compare_bucket(bucket, *found);
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  const auto made = put(bucket, "", s3::create_bucket(settings_.region), ask);
  if (!made) return made.error();
  if (success(*made)) return told;
  if (code_of(*made) == "BucketAlreadyOwnedByYou") return Ensured{};  // Somebody else made it meanwhile.
  return failure(*made, bucket);
}

Result<Ensured> S3Storage::ensure_versioning(const std::string& bucket, bool versioned, const Ask& ask) {
  if (auto named = buckets::check(bucket); !named) return named.error();
  begin();
  const auto found = read(bucket, kVersioning, ask.dry_run);
  if (!found) return found.error();
  const auto actual = found->document.versioning();
  if (!actual) return actual.error();
  auto told = buckets::compare_versioning(versioned, *actual);
  if (told.outcome != Outcome::changed || ask.dry_run) return told;
  const auto written = put(bucket, "versioning", s3::enable_versioning(), ask);
  if (!written) return written.error();
  if (!success(*written)) return failure(*written, bucket + ", versioning");
  const auto after = read(bucket, kVersioning, false);
  if (!after) return after.error();
  const auto now = after->document.versioning();
  if (!now) return now.error();
  if (*now == buckets::Versioning::enabled) return told;
  return Error{"backend.reply", bucket + ", versioning: it was said to be on, and is not"};
}

Result<Ensured> S3Storage::ensure_lifecycle(const std::string& bucket,
                                            const std::vector<profile::LifecycleRule>& rules,
                                            const Ask& ask) {
  if (auto sound = buckets::check(bucket, rules); !sound) return sound.error();
  begin();
  auto now = read(bucket, kLifecycle, ask.dry_run);
  if (!now) return now.error();
  const auto there = now->document.rules();
  if (!there) return there.error();
  auto merged = buckets::merge(*there, rules);
  if (!merged) return merged.error();
  if (merged->missing.empty() || ask.dry_run) return hidden(std::move(merged->told));
  for (const auto& rule : merged->missing) now->document.add_rule(rule);
  const auto written = write(bucket, kLifecycle, std::move(*now), ask, mend_rules);
  if (!written) return written.error();
  return hidden(std::move(merged->told));
}

Result<Ensured> S3Storage::ensure_tags(const std::string& bucket,
                                       const std::map<std::string, std::string>& tags, const Ask& ask) {
  if (auto sound = buckets::check(bucket, tags); !sound) return sound.error();
  begin();
  auto now = read(bucket, kTagging, ask.dry_run);
  if (!now) return now.error();
  const auto there = now->document.tags();
  if (!there) return there.error();
  auto merged = buckets::merge(*there, tags);
  if (!merged) return merged.error();
  if (merged->additions.empty() || ask.dry_run) return hidden(std::move(merged->told));
  for (const auto& [key, value] : merged->additions) now->document.set_tag(key, value);
  const auto mend = [&](const s3::Document& wanted, s3::Document& after) {
    return mend_tags(wanted, after, merged->additions);
  };
  const auto written = write(bucket, kTagging, std::move(*now), ask, mend);
  if (!written) return written.error();
  return hidden(std::move(merged->told));
}

Result<Ensured> S3Storage::remove_rule(const std::string& bucket, const profile::LifecycleRule& as_added,
                                       const Ask& ask) {
  if (auto sound = buckets::check(bucket, std::vector{as_added}); !sound) return sound.error();
  const auto compare = [&](const s3::Document& document) -> Result<Ensured> {
    const auto there = document.rules();
    if (!there) return there.error();
    return buckets::compare_removal(*there, as_added);
  };
  return remove(
    bucket, kLifecycle, ask, compare, [&](s3::Document& document) { document.remove_rule(as_added.id); },
    mend_rules);
}

Result<Ensured> S3Storage::remove_tag(const std::string& bucket, const std::string& key,
                                      const std::string& as_added, const Ask& ask) {
  if (auto sound = buckets::check(bucket, buckets::Tags{{key, as_added}}); !sound) return sound.error();
  const auto compare = [&](const s3::Document& document) -> Result<Ensured> {
    const auto there = document.tags();
    if (!there) return there.error();
    return buckets::compare_removal(*there, key, as_added);
  };
  return remove(
    bucket, kTagging, ask, compare, [&](s3::Document& document) { document.remove_tag(key); },
    [](const s3::Document& wanted, s3::Document& after) { return mend_tags(wanted, after, {}); });
}

Result<Ensured> S3Storage::remove(const std::string& bucket, const Kind& kind, const Ask& ask,
                                  const std::function<Result<Ensured>(const s3::Document&)>& compare,
                                  const std::function<void(s3::Document&)>& take_out, const Mend& mend) {
  begin();
  auto now = read(bucket, kind, true);
  if (!now) return now.error();
  auto told = compare(now->document);
  if (!told) return told.error();
  if (told->outcome != Outcome::changed || ask.dry_run) return hidden(std::move(*told));
  take_out(now->document);
  const auto written =
    write(bucket, kind, std::move(*now), ask, [&](const s3::Document& wanted, s3::Document& after) {
      const auto again = compare(after);  // Somebody who read it before may have put it back.
      if (!again) return Result<bool>(again.error());
      const bool back = again->outcome == Outcome::changed;
      if (back) take_out(after);
      const auto whole = mend(wanted, after);
      return whole && back ? Result<bool>(false) : whole;
    });
  if (!written) return written.error();
  return hidden(std::move(*told));
}

Result<std::vector<std::string>> S3Storage::buckets() {
  begin();
  const auto reply = call("GET", "", "");
  if (!reply) return reply.error();
  if (!success(*reply)) return failure(*reply, "the list of buckets");
  const auto document = s3::Document::parse(reply->body, "ListAllMyBucketsResult");
  if (!document) return document.error();
  auto names = document->bucket_names();
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace muster
