// A page of a view's rows: every listing looks the same.
#pragma once

#include <memory>

#include "http/routes.hpp"

namespace muster::http {

/// Answers with a JSON array of `row_of(key, row)` for the rows of `map`, a member of View, in the order of
/// their keys: one page, with ETag, ?as_of and ?after.
template <class View, class Map, class RowOf>
void show_rows(Api& api, const Request& request, const Reply& reply, Map View::*map, RowOf row_of) {
  auto page = page_of(request, api.options().max_page);
  if (!page) return reply(problem(page.error(), request.id));
  struct Asked {
    Page page;
    std::string path, query, if_none_match;
  };
  auto asked =
    std::make_shared<Asked>(Asked{std::move(*page), std::string(request.path), std::string(request.query),
                                  std::string(request.header("if-none-match"))});
  api.show(request, reply, [asked, map, row_of](const ViewSet& views) {
    Request again;  // What a later thread needs of the request: it is gone by then.
    again.path = asked->path;
    again.query = asked->query;
    again.headers = {{"if-none-match", asked->if_none_match}};
    const auto etag = etag_of(View::name, view<View>(views).about.changed);
    if (auto same = not_modified(again, etag)) return std::move(*same);

    const auto& after = asked->page.after;
    std::string body = "[", last;
    size_t count = 0;
    bool more = false;
    (view<View>(views).*map).each_from(after, [&](const std::string& key, const auto& row) {
      if (key == after) return true;
      if (count == asked->page.limit) {
        more = true;
        return false;
      }
      if (count++ > 0) body += ',';
      append_fields(body, row_of(key, row));
      last = key;
      return true;
    });
    auto response = json_response(body + "]");
    response.headers.emplace_back("ETag", etag);
    if (more) add_next_page(response, again, last);
    return response;
  });
}

}  // namespace muster::http
