// Writing and reading serving.json.
#include "app/serving.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>

#include <unistd.h>

#include "adapters/keys.hpp"
#include "events/fields.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxBytes = 4096;

struct Serving {
  std::string url;
  int64_t pid = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("url", self.url);
    visit("pid", self.pid);
  }
};

std::string file_in(const std::string& data) {
  return data + "/serving.json";
}

}  // namespace

Status tell_serving(const std::string& data, const std::string& url) {
  return write_file_atomically(file_in(data), to_json_text(Serving{url, ::getpid()}), 0600);
}

void end_serving(const std::string& data) {
  ::unlink(file_in(data).c_str());
}

std::optional<std::string> serving_url(const std::string& data) {
  const auto text = read_file(file_in(data), kMaxBytes);
  const auto said = text ? from_json_text<Serving>(*text) : Result<Serving>{text.error()};
  if (!said || said->pid <= 0) return std::nullopt;
  if (::kill(static_cast<pid_t>(said->pid), 0) != 0 && errno == ESRCH) return std::nullopt;
  return said->url;
}

}  // namespace muster::app
