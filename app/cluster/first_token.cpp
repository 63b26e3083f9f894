// Keeping the first join token until the log has it.
#include "app/cluster/first_token.hpp"

#include <unistd.h>

#include "adapters/keys.hpp"
#include "base/hash.hpp"

namespace muster::app {
namespace {

constexpr size_t kIdBytes = 8, kMaxBytes = 4096;
constexpr Millis kLife{3600 * 1000};

std::string path_in(const std::string& data) {
  return data + "/keys/first_join_token";
}

}  // namespace

Status keep_first_token(const std::string& data, const std::string& secret, Time now) {
  const cluster::JoinTokenMade made{random_hex(kIdBytes), sha256_hex(to_hex(secret)), now + kLife};
  return write_file_atomically(path_in(data), to_json_text(made) + "\n", 0600);
}

std::optional<cluster::JoinTokenMade> first_token(const std::string& data) {
  const auto text = read_file(path_in(data), kMaxBytes);
  if (!text) return std::nullopt;
  auto made = from_json_text<cluster::JoinTokenMade>(*text);
  if (!made) return std::nullopt;
  return *made;
}

void forget_first_token(const std::string& data) {
  ::unlink(path_in(data).c_str());
}

}  // namespace muster::app
