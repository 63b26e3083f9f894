// Heads of checkpoints in a file outside the data folder.
#pragma once

#include <string>

#include "events/line.hpp"

namespace muster::app {

/// Appends the head of a checkpoint, which an owner of this machine cannot rewrite there unnoticed. Any other
/// record, and an empty `sink`, is nothing.
void export_head(const std::string& sink, const Record& record);

}  // namespace muster::app
