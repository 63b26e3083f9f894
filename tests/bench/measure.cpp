// Clocks, /proc, percentiles, arguments.
#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace bench {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Usage usage_of(int pid) {
  Usage usage;
  if (pid <= 0) return usage;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::string line;
  std::ifstream stat(folder + "/stat");
  std::getline(stat, line);
  // The name stands in brackets and may hold anything; user and system time are the 12th and 13th after it.
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string field;
  for (int i = 0; i < 13 && fields >> field; i++)
    if (i >= 11) usage.cpu += std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status(folder + "/status");
  while (std::getline(status, line))
    if (line.starts_with("VmRSS:")) usage.rss_kib = std::strtol(line.c_str() + 6, nullptr, 10);
  return usage;
}

double Latencies::at(double q) {
  if (all_.empty()) return 0;
  const auto index = std::min(all_.size() - 1, static_cast<size_t>(q * static_cast<double>(all_.size())));
  const auto place = all_.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(all_.begin(), place, all_.end());
  return static_cast<double>(*place) * 1e6;
}

Arguments::Arguments(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (!name.starts_with("--") || i + 1 >= argc) {
      std::fprintf(stderr, "%s: expected --name value, got %s\n", argv[0], argv[i]);
      std::exit(2);
    }
    given_[name.substr(2)] = argv[i + 1];
  }
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

double Arguments::number(const std::string& name, double otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
}

int Arguments::whole(const std::string& name, int otherwise) const {
  return static_cast<int>(number(name, otherwise));
}

Figures& Figures::add(std::string_view name, double value) {
  char number[64];
  std::snprintf(number, sizeof number,
                std::fabs(value) < 1e15 && value == std::floor(value) ? "%.0f" : "%.3f", value);
  text_ += (text_.empty() ? "\"" : ", \"") + std::string(name) + "\": " + number;
  return *this;
}

void Figures::print() const {
  std::printf("{%s}\n", text_.c_str());
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max = std::max<rlim_t>(limit.rlim_max, 65'536);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
