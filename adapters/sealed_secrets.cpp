// Sealed values in the column for them.
#include "adapters/sealed_secrets.hpp"

namespace muster {

using log::Column;

Status store_secret(log::Disk& disk, const Keys& keys, std::string_view secret, std::string_view value) {
  log::Batch batch;
  batch.put(Column::secrets, secret, seal(keys.seal, secret, value));
  return disk.write(batch, true);
}

Result<std::string> load_secret(const log::Disk& disk, const Keys& keys, std::string_view secret) {
  const auto sealed = disk.get(Column::secrets, secret);
  if (!sealed) return Error{"not.found", "no value is sealed here under " + std::string(secret), {}};
  return unseal(keys.seal, secret, *sealed);
}

Status erase_secrets(log::Disk& disk, const std::vector<std::string>& secrets) {
  log::Batch batch;
  for (const auto& secret : secrets) batch.erase(Column::secrets, secret);
  return disk.write(batch, true);
}

std::vector<std::string> sealed_secrets(const log::Disk& disk) {
  std::vector<std::string> ids;
  disk.scan(Column::secrets, "", "", [&](std::string_view id, std::string_view) {
    ids.emplace_back(id);
    return true;
  });
  return ids;
}

}  // namespace muster
