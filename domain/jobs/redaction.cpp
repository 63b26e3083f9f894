// Building the automaton, and following it through a stream.
#include "domain/jobs/redaction.hpp"

#include <algorithm>
#include <utility>

#include "domain/jobs/environment.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kLineEnds = "\r\n";

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// The value and its lines. A value of nothing but line ends is kept whole.
void add_patterns(std::string_view value, std::vector<std::string>& to) {
  if (const auto last = value.find_last_not_of(kLineEnds); last != std::string_view::npos)
    value = value.substr(0, last + 1);
  if (value.empty()) return;
  to.emplace_back(value);
  while (value.find('\n') != std::string_view::npos) {
    const auto end = value.find('\n');
    auto line = value.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!blank(line)) to.emplace_back(line);
    value.remove_prefix(end + 1);
    if (value.find('\n') == std::string_view::npos && !blank(value)) to.emplace_back(value);
  }
}

Json all_arguments(const Arguments& arguments, bool clear) {
  Json all = Json::object();
  for (const auto& [arg, value] : arguments)
    all[arg->name] = arg->secret && !clear ? Json(std::string(kSecretShown)) : value;
  return all;
}

}  // namespace

Json shown_arguments(const Arguments& arguments) {
  return all_arguments(arguments, false);
}

Json clear_arguments(const Arguments& arguments) {
  return all_arguments(arguments, true);
}

std::vector<std::string> secret_values(const Arguments& arguments) {
  std::vector<std::string> values;
  const auto add = [&](const Json& value) {
    if (const auto text = scalar_text(value); text && !value.is_boolean()) values.push_back(*text);
  };
  for (const auto& [arg, value] : arguments) {
    if (!arg->secret) continue;
    if (value.is_structured())
      for (const auto& item : value) add(item);
    else
      add(value);
  }
  return values;
}

Result<std::shared_ptr<const Secrets>> Secrets::of(const std::vector<std::string>& values) {
  std::vector<std::string> patterns;
  for (const auto& value : values) add_patterns(value, patterns);
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  size_t bytes = 0;
  for (const auto& pattern : patterns) bytes += pattern.size();
  if (bytes > kMaxSecretBytes)
    return Error{"arguments.refused",
                 "the secrets and their lines exceed " + std::to_string(kMaxSecretBytes) + " bytes"};
  auto made = std::make_shared<Secrets>();
  made->build(patterns);
  made->link();
  return std::shared_ptr<const Secrets>(std::move(made));
}

/// Breadth first over ranges of the sorted texts that begin alike: the children of a node come out side by
/// side.
void Secrets::build(const std::vector<std::string>& sorted) {
  struct Alike {
    size_t from, to;
  };
  std::vector<Alike> ranges{{0, sorted.size()}};  // Of the node of the same index.
  for (uint32_t at = 0; at < nodes_.size(); at++) {
    auto [from, to] = ranges[at];
    const auto depth = nodes_[at].depth;
    nodes_[at].children = static_cast<uint32_t>(nodes_.size());
    if (from < to && sorted[from].size() == depth && depth > 0) {
      nodes_[at].longest = depth;
      from++;  // Nothing is twice: only the first can end here.
    }
    while (from < to) {
      const char byte = sorted[from][depth];
      size_t end = from;
      while (end < to && sorted[end][depth] == byte) end++;
      Node made;
      made.depth = depth + 1;
      made.byte = static_cast<uint8_t>(byte);
      nodes_.push_back(made);
      nodes_[at].child_count++;
      ranges.push_back({from, end});
      from = end;
    }
  }
  for (uint32_t i = 0; i < nodes_[0].child_count; i++) first_[nodes_[1 + i].byte] = 1 + i;
}

void Secrets::link() {
  for (uint32_t at = 0; at < nodes_.size(); at++) {
    const auto node = nodes_[at];
    for (uint32_t i = 0; i < node.child_count; i++) {
      auto& made = nodes_[node.children + i];
      made.fail = at == 0 ? 0 : next(node.fail, made.byte);
      if (made.longest == 0) made.longest = nodes_[made.fail].longest;
    }
  }
}

uint32_t Secrets::child(uint32_t node, uint8_t byte) const {
  if (node == 0) return first_[byte];
  const auto& parent = nodes_[node];
  if (parent.child_count == 0) return 0;
  if (parent.child_count == 1) return nodes_[parent.children].byte == byte ? parent.children : 0;
  const auto from = nodes_.begin() + parent.children;
  const auto to = from + parent.child_count;
  const auto at = std::lower_bound(from, to, byte, [](const Node& n, uint8_t b) { return n.byte < b; });
  return at != to && at->byte == byte ? static_cast<uint32_t>(at - nodes_.begin()) : 0;
}

uint32_t Secrets::next(uint32_t node, uint8_t byte) const {
  for (;; node = nodes_[node].fail) {
    const auto found = child(node, byte);
    if (found != 0 || node == 0) return found;
  }
}

std::string Secrets::hide(std::string_view text) const {
  // Borrowed for this call: the redactor does not outlive it.
  Redactor redactor(std::shared_ptr<const Secrets>(std::shared_ptr<const Secrets>(), this));
  std::string out;
  redactor.write(text, out);
  redactor.finish(out);
  return out;
}

void Redactor::write(std::string_view bytes, std::string& to) {
  if (secrets_->none()) {
    to += bytes;
    return;
  }
  const auto& first = secrets_->first_;
  uint32_t node = node_;
  for (size_t i = 0; i < bytes.size(); i++) {
    if (node == 0) {  // Most of most output begins no secret.
      while (i < bytes.size() && first[static_cast<uint8_t>(bytes[i])] == 0) i++;
      if (i == bytes.size()) break;
    }
    node = secrets_->next(node, static_cast<uint8_t>(bytes[i]));
    if (const auto longest = secrets_->nodes_[node].longest; longest > 0)
      note(at_ + i + 1 - longest, at_ + i + 1);
  }
  node_ = node;
  // What is not within the longest end that begins a secret is decided.
  release(at_ + bytes.size() - secrets_->nodes_[node].depth, bytes, to);
}

void Redactor::finish(std::string& to) {
  release(at_, {}, to);
  node_ = 0;
}

void Redactor::note(uint64_t from, uint64_t to) {
  while (!found_.empty() && found_.back().to > from) {
    from = std::min(from, found_.back().from);
    found_.pop_back();
  }
  found_.push_back({from, to});
}

void Redactor::show(uint64_t from, uint64_t until, std::string_view bytes, std::string& to) const {
  if (from < at_) {  // held_ ends where `bytes` begin.
    const auto end = std::min(until, at_);
    to.append(held_, held_.size() - (at_ - from), end - from);
    from = end;
  }
  if (from < until) to.append(bytes, from - at_, until - from);
}

/// Lets go of the bytes before `until`, of those held and of the new ones, and keeps the rest. A secret that
/// goes beyond it stays noted: it may yet grow.
void Redactor::release(uint64_t until, std::string_view bytes, std::string& to) {
  uint64_t shown = at_ - held_back();
  while (!found_.empty() && found_.front().from < until) {
    const auto found = found_.front();
    if (found.from > shown) show(shown, found.from, bytes, to);
    shown = std::min(found.to, until);
    if (found.to > until) break;
    to += kSecretShown;
    found_.pop_front();
  }
  if (shown < until) show(shown, until, bytes, to);
  if (until >= at_) {
    held_.assign(bytes.substr(until - at_));
    out_ = 0;
  } else {
    held_ += bytes;
    out_ = held_.size() - (at_ + bytes.size() - until);
    // Moving what is left at every write would cost the square of a long secret.
    if (out_ >= held_back()) held_.erase(0, std::exchange(out_, 0));
  }
  at_ += bytes.size();
}

}  // namespace muster::jobs
