// Every group of routes: one line for each domain.
#pragma once

#include "http/api.hpp"

namespace muster::http {

void add_node_routes(Api& api);
void add_lease_routes(Api& api);
void add_event_routes(Api& api);
void add_log_routes(Api& api);
void add_status_routes(Api& api);
void add_openapi_route(Api& api);
void add_claim_routes(Api& api);
void add_token_routes(Api& api);
void add_secret_routes(Api& api);
void add_plan_routes(Api& api);
void add_batch_routes(Api& api);
void add_tenancy_routes(Api& api);
void add_bootstrap_routes(Api& api);
void add_artifact_routes(Api& api);
void add_environment_routes(Api& api);
void add_prune_routes(Api& api);
void add_cluster_routes(Api& api);
void add_cluster_plan_route(Api& api);
void add_membership_routes(Api& api);
void add_audit_routes(Api& api);
void add_service_routes(Api& api);
void add_run_routes(Api& api);
void add_source_routes(Api& api);
void add_job_routes(Api& api);
void add_run_stream_routes(Api& api);

/// Whether this node runs jobs; false, and `reply` was answered with `capability.missing`.
bool runs_jobs(const Api& api, const Request& request, const Reply& reply);

/// Error: `conflict` while the cluster's feature level is too low for runs and sources.
[[nodiscard]] Status may_record_runs(const ViewSet& views);

/// Reads the body as T; nothing when it is not one, and then `reply` was answered.
template <HasFields T>
std::optional<T> read_body(const Request& request, const Reply& reply, Unknown unknown = Unknown::ignore) {
  auto body = from_json_text<T>(request.body, unknown);
  if (body) return std::move(*body);
  reply(problem(body.error(), request.id));
  return std::nullopt;
}

/// 204, whatever the domain answered.
[[nodiscard]] Response no_content(const Receipt& receipt);

/// A page of a listing: ?limit and ?cursor. Errors: `field.invalid`, `cursor.invalid`.
struct Page {
  size_t limit = 0;
  std::string after;  ///< The last key of the page before; empty: from the start.
};
Result<Page> page_of(const Request& request, size_t max_page);

/// What leads to the next page: X-Next-Cursor, and Link with rel="next".
void add_next_page(Response& response, const Request& request, const std::string& last_key);

/// A weak ETag from the seq of a view's last change, and 304 when the caller has it already.
[[nodiscard]] std::optional<Response> not_modified(const Request& request, const std::string& etag);
[[nodiscard]] std::string etag_of(std::string_view view, uint64_t changed);

/// What `node` last reported of each component, as the object {"storage":{"status":...}}. Reasons are left
/// out where everybody may read: they may quote a broker's or a bucket's answer.
[[nodiscard]] std::string components_of(const ViewSet& views, std::string_view node, bool with_reasons);

/// When something that was made at `now` expires: a duration (7d) or a time (RFC 3339); empty: never. Error:
/// `field.invalid`.
Result<Time> expiry_of(const std::string& text, Time now);

/// A whole number from the query. Error: `field.invalid` naming it.
Result<uint64_t> number_from_query(const Request& request, std::string_view name, uint64_t fallback);

}  // namespace muster::http
