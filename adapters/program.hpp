// A program that is run to its end, while the caller waits: git, a container runtime, cosign.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

/// Asks programs that run() waits for to end: they are killed, and no further one is started. Any thread.
class Cancellation {
public:
  Cancellation();
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void cancel();
  [[nodiscard]] int fd() const { return fd_; }  ///< Readable from then on.

private:
  int fd_;
};

struct ProgramOrder {
  std::vector<std::string> argv;  ///< Without a shell; the program is looked for in PATH.
  std::map<std::string, std::string> env;
  Millis limit{60'000};          ///< It is killed after that.
  size_t max_output = 64 << 10;  ///< Bytes of its standard output; it is killed when it prints more.
  const Cancellation* cancellation = nullptr;
};

struct ProgramEnd {
  enum class Cut : uint8_t { none, time, output, canceled };
  int code = -1;  ///< -1: killed by a signal, or cut short.
  Cut cut = Cut::none;
  std::string out;
  std::string err;  ///< The last of it; 16 KiB at most.
  [[nodiscard]] bool good() const { return code == 0 && cut == Cut::none; }
};

/// Its standard input is empty, and it has no terminal to ask at. What it leaves of its session is killed.
/// Error: `service.unstartable` when it is not there.
Result<ProgramEnd> run_program(const ProgramOrder& order);

/// Why a program failed, in a line: the limit that cut it short, else the last words it said.
[[nodiscard]] std::string why_failed(const ProgramOrder& order, const ProgramEnd& end);

}  // namespace muster
