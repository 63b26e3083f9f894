// What a load generator measures: a process's CPU and memory, latencies, and the line of JSON it prints.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Seconds on the steady clock.
[[nodiscard]] double now();

/// What /proc tells about a process: CPU seconds so far (user and system), resident KiB now.
struct Usage {
  double cpu = 0;
  long rss_kib = 0;
};
[[nodiscard]] Usage usage_of(int pid);

/// Latencies in seconds; percentiles come out in microseconds.
class Latencies {
public:
  void add(double seconds) { all_.push_back(static_cast<float>(seconds)); }
  void clear() { all_.clear(); }
  [[nodiscard]] size_t size() const { return all_.size(); }
  /// The latency that the share `q` stays below, in microseconds; 0 when there is none.
  [[nodiscard]] double at(double q);

private:
  std::vector<float> all_;
};

/// --name value pairs. Prints what it wants and exits 2 when an argument is not one.
class Arguments {
public:
  Arguments(int argc, char** argv);
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise = "") const;
  [[nodiscard]] double number(const std::string& name, double otherwise) const;
  [[nodiscard]] int whole(const std::string& name, int otherwise) const;

private:
  std::map<std::string, std::string> given_;
};

/// Collects figures and prints them as one line of JSON.
class Figures {
public:
  Figures& add(std::string_view name, double value);
  void print() const;

private:
  std::string text_;
};

/// Prints the reason and exits 1: a load generator that cannot go on has no result.
[[noreturn]] void give_up(const std::string& why);

/// Lifts the limit of open files as far as the system lets it.
void allow_many_files();

}  // namespace bench
