// From a source's record to a folder.
#include "app/jobs/source_trees.hpp"

#include "app/jobs/source_adding.hpp"

namespace muster::app {
Result<SourceTree> tree_of(const ViewSet& views, const std::string& name, const std::string& scripts_root,
                           const std::string& data) {
  if (name.empty()) return SourceTree{scripts_root, "", nullptr};
  const auto* found = view<sources::View>(views).sources.find(name);
  if (!found) return Error{"not.found", "there is no source " + name, {}};
  const auto& source = **found;
  auto folder = tree_root(source, data);
  if (!folder) return folder.error();
  SourceTree tree{*folder, source.resolved_commit.empty() ? source.resolved_ref : source.resolved_commit, {}};
  tree.provenance = {{"type", source.kind}, {"name", name}, {"checkout", *folder}};
  const auto add = [&](const char* member, const std::string& value) {
    if (!value.empty()) tree.provenance[member] = value;
  };
  add("ref", source.ref);
  add("url", source.url);
  add("resolved_ref", source.resolved_ref);
  add("resolved_commit", source.resolved_commit);
  return tree;
}

}  // namespace muster::app
