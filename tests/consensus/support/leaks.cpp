// libraft 0.15 leaks 16 bytes of its own with every installation that is cancelled; nothing of ours is
// excused.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libraft.so";
}
