// The program, and how its allocator is set: few arenas, and memory that is free goes back soon.
#include "app/cli/run.hpp"

/// Read by jemalloc before main.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) {
  return muster::cli::run(argc, argv);
}
