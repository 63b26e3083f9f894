// Reading and writing DATA/member.json.
#include "app/cluster/member_file.hpp"

#include "adapters/keys.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

std::string path_in(const std::string& data) {
  return data + "/member.json";
}

}  // namespace

Result<std::optional<MemberFile>> read_member_file(const std::string& data) {
  const auto text = read_file(path_in(data), kMaxBytes);
  if (!text) {
    if (text.error().code == "not.found") return std::optional<MemberFile>{};
    return text.error();
  }
  auto member = from_json_text<MemberFile>(*text);
  if (!member || member->id == 0)
    return Error{"config.invalid",
                 path_in(data) +
                   " does not read; restore it from a backup, or let the node join anew with an "
                   "empty folder",
                 {}};
  return std::optional{std::move(*member)};
}

Status write_member_file(const std::string& data, const MemberFile& member) {
  return write_file_atomically(path_in(data), to_json_text(member) + "\n", 0600);
}

}  // namespace muster::app
