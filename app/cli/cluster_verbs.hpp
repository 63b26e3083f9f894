// What :cluster does beside showing; cluster.cpp chooses.
#pragma once

#include "app/cli/verb.hpp"

namespace muster::cli {

Outcome cluster_init(Call& call);
Outcome cluster_token(Call& call);
Outcome cluster_remove(Call& call);
Outcome cluster_leave(Call& call);
Outcome cluster_recover(Call& call);
Outcome cluster_join(Call& call);
Outcome cluster_rotate_key(Call& call);

}  // namespace muster::cli
