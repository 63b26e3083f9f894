// The one translation unit that compiles Catch2's runner.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

extern "C" const char* __lsan_default_suppressions();

/// Asked for by LeakSanitizer: libraft 0.15 leaks 16 bytes with every installation of a snapshot that is
/// cancelled; nothing of ours is excused.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:replicationInstallSnapshot\n";
}
