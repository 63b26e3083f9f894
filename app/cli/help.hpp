// What --help prints.
#pragma once

#include "app/cli/verb.hpp"

namespace muster::cli {

void print_overview(const Io& io);
void print_help(const Verb& verb, const Io& io);

}  // namespace muster::cli
