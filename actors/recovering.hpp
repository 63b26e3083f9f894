// That a person told this member to go on alone, until the log says so: written with the voters that it ends,
// so that no crash parts the two.
#pragma once

#include <optional>
#include <string_view>

#include "events/log/disk.hpp"
#include "events/membership.hpp"

namespace muster::actors {

constexpr std::string_view kRecoveringKey = "recovering";  // In meta: the event, as JSON, without the epoch.

inline void put_recovering(log::Batch& batch, const cluster::Recovered& what) {
  batch.put(log::Column::meta, kRecoveringKey, to_json_text(what));
}

[[nodiscard]] inline std::optional<cluster::Recovered> recovering(const log::Disk& disk) {
  const auto text = disk.get(log::Column::meta, kRecoveringKey);
  if (!text) return std::nullopt;
  auto what = from_json_text<cluster::Recovered>(*text);
  return what ? std::optional{std::move(*what)} : std::nullopt;
}

/// The log says it.
inline void forget_recovering(log::Batch& batch) {
  batch.erase(log::Column::meta, kRecoveringKey);
}

}  // namespace muster::actors
