// Listings in pages: follows cursors up to a limit.
#pragma once

#include "app/cli/client.hpp"
#include "app/cli/verb.hpp"

namespace muster::cli {

/// {"rows":[...],"next":"cursor"|null}: the stable shape of every listing's --json. Follows the node's pages
/// until --limit rows are there (0: all); starts at --cursor. The node may answer a list with the cursor in
/// X-Next-Cursor, or an object with rows and next.
[[nodiscard]] Result<Json> listing(const Call& call, Client& client, std::string_view path, Query query);

/// The flags that listing() reads.
[[nodiscard]] std::vector<Flag> listing_flags();

/// "More: --cursor ..." below a table that is not whole.
void print_more(std::ostream& out, const Json& listing);

}  // namespace muster::cli
