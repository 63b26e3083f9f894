// Following pages.
#include "app/cli/listing.hpp"

#include <algorithm>
#include <ostream>

namespace muster::cli {
namespace {

/// Takes the rows of one page; returns the cursor of the next.
Result<std::string> take_page(const Answer& answer, Json& rows) {
  auto page = parse_json(answer.body);
  if (!page) return Error{"internal", "the node did not answer with JSON: " + page.error().detail};
  std::string next = answer.next_cursor;
  if (page->is_object() && page->contains("rows")) {
    if (const auto cursor = page->find("next"); cursor != page->end() && cursor->is_string()) next = *cursor;
    Json inner = std::move((*page)["rows"]);
    *page = std::move(inner);
  }
  if (!page->is_array()) return Error{"internal", "the node did not answer with a list"};
  for (auto& row : *page) rows.push_back(std::move(row));
  return next;
}

}  // namespace

Result<Json> listing(const Call& call, Client& client, std::string_view path, Query query) {
  constexpr int64_t kPage = 1000;
  int64_t limit = 1000;
  if (call.has("limit")) {
    const auto given = config::parse_bytes(call.text("limit"));
    if (!given) return usage_error("--limit: '" + call.text("limit") + "' is not a number of rows");
    limit = *given;
  }
  Json rows = Json::array();
  std::string cursor = call.text("cursor");
  do {
    const int64_t left = limit - static_cast<int64_t>(rows.size());
    Query page = query;
    page.emplace_back("limit", std::to_string(limit == 0 ? kPage : std::min(left, kPage)));
    page.emplace_back("cursor", cursor);
    const auto answer = client.call("GET", with_query(path, page));
    if (!answer) return answer.error();
    auto next = take_page(*answer, rows);
    if (!next) return next.error();
    cursor = *std::move(next);
  } while (!cursor.empty() && (limit == 0 || static_cast<int64_t>(rows.size()) < limit));
  return Json{{"rows", std::move(rows)}, {"next", cursor.empty() ? Json() : Json(cursor)}};
}

std::vector<Flag> listing_flags() {
  return {{"limit", "N", "Most rows, 0 for all (1000)"}, {"cursor", "TEXT", "Go on where a listing ended"}};
}

void print_more(std::ostream& out, const Json& listing) {
  if (listing["next"].is_string()) out << "more: --cursor " << listing["next"].get<std::string>() << '\n';
}

}  // namespace muster::cli
