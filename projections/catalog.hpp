// Every view there is: one line for each domain; and a set of them at one place of the log.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "projections/audit.hpp"
#include "projections/bootstrap.hpp"
#include "projections/claims.hpp"
#include "projections/cluster.hpp"
#include "projections/lease.hpp"
#include "projections/nodes.hpp"
#include "projections/plans.hpp"
#include "projections/runs.hpp"
#include "projections/secrets.hpp"
#include "projections/services.hpp"
#include "projections/sources.hpp"
#include "projections/tokens.hpp"

namespace muster {

using Views = std::tuple<cluster::View,    //
                         nodes::View,      //
                         lease::View,      //
                         claims::View,     //
                         tokens::View,     //
                         secrets::View,    //
                         plans::View,      //
                         bootstrap::View,  //
                         services::View,   //
                         runs::View,       //
                         sources::View,    //
                         audit::View>;

/// What the log up to `seq` means. A copy shares its pages: cheap enough to be published once a batch.
struct ViewSet {
  uint64_t seq = 0;
  Digest head = kNoDigest;  ///< SHA-256 of line `seq`. fold() leaves it to the caller, who has the line.
  Time time{};              ///< Of that line.
  uint64_t epoch = 0;       ///< Of that line.
  Views views;
};

template <class View>
[[nodiscard]] const View& view(const ViewSet& set) {
  return std::get<View>(set.views);
}

/// Folds the next record into every view, and moves seq, time and epoch.
void fold(ViewSet& set, const Record& record);
/// Folds into the named views only, and moves nothing: catches up views that load_views left empty.
void fold_only(ViewSet& set, const std::vector<std::string>& names, const Record& record);

/// The set as text: "@set 1" and its place, then "@name version" and the view's parts for each view.
[[nodiscard]] std::string save_views(const ViewSet& set);

struct LoadedViews {
  ViewSet set;
  /// Views that the text lacks or that another fold version wrote: left empty, to be folded anew.
  std::vector<std::string> outdated;
};
/// Error: `log.corrupt`. Views that this build does not know are passed over.
[[nodiscard]] Result<LoadedViews> load_views(std::string_view text);

struct ViewDigest {
  std::string_view name;
  int version = 0;
  std::string sha256;  ///< Of the view's parts as text, hex: equal on every node at one seq.
  bool operator==(const ViewDigest&) const = default;
};
[[nodiscard]] std::vector<ViewDigest> digests(const ViewSet& set);

}  // namespace muster
