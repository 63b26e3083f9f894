// Numbers of eight bytes as the machine has them, strings behind their length, lists behind their count.
#include "adapters/outline_text.hpp"

#include <cstring>
#include <type_traits>

namespace muster {
namespace {

constexpr std::string_view kMark = "muster outline 2\n";
constexpr size_t kMaxDepth = 256;  ///< Of folders; a walk goes less deep.

class Writer {
public:
  template <class Number>
  void number(Number value) {
    const auto wide = static_cast<int64_t>(value);
    char bytes[sizeof wide];
    std::memcpy(bytes, &wide, sizeof wide);
    made.append(bytes, sizeof wide);
  }
  void text(std::string_view value) {
    number(value.size());
    made += value;
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }

  void stamp(const Stamp& stamp) {
    number(stamp.device);
    number(stamp.inode);
    number(stamp.size);
    number(stamp.modified_ns);
    number(stamp.changed_ns);
  }
  void job(const jobs::Job& job) {
    text(job.id);
    text(job.name);
    text(job.summary);
    text(job.folder);
    Writer args;  // In one piece, for who passes over them.
    args.number(job.args.size());
    for (const auto& arg : job.args) {
      args.text(arg.name);
      args.text(arg.type);
      args.text(arg.description);
      args.texts(arg.choices);
      args.texts(arg.item_choices);
    }
    text(args.made);
  }
  void file(const ScriptFile& file) {
    number(file.link);
    stamp(file.stamp);
    number(file.read_ns);
    number(file.config != nullptr);
    if (!file.config) return;
    text(file.config->path);
    text(file.config->error);
    number(file.config->jobs.size());
    for (const auto& each : file.config->jobs) job(each);
  }
  void folder(const ScriptFolder& folder_) {
    stamp(folder_.stamp);
    number(folder_.listed_ns);
    number(folder_.files.size());
    for (const auto& [name, each] : folder_.files) {
      text(name);
      file(each);
    }
    number(folder_.folders.size());
    for (const auto& [name, inner] : folder_.folders) {
      text(name);
      folder(inner);
    }
  }

  std::string made;
};

/// Once something is missing, everything that is read is empty and good() is false.
class Reader {
public:
  Reader(std::string_view rest, const WithArgs& with_args) : rest_(rest), with_args_(with_args) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  int64_t number() {
    int64_t value = 0;
    if (rest_.size() < sizeof value) return fail(), 0;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  /// Of things that take at least eight bytes each.
  size_t count() {
    const auto value = static_cast<uint64_t>(number());
    if (value > rest_.size() / sizeof value) return fail(), 0;
    return value;
  }
  std::string_view piece() {
    const auto size = static_cast<uint64_t>(number());
    if (size > rest_.size()) return fail(), std::string_view{};
    const auto value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  std::string text() { return std::string(piece()); }
  std::vector<std::string> texts() {
    std::vector<std::string> values(count());
    for (auto& value : values) value = text();
    return values;
  }

  Stamp stamp() {
    Stamp made;
    made.device = static_cast<dev_t>(number());
    made.inode = static_cast<ino_t>(number());
    made.size = number();
    made.modified_ns = number();
    made.changed_ns = number();
    return made;
  }
  jobs::Job job() {
    jobs::Job made;
    made.id = text();
    made.name = text();
    made.summary = text();
    made.folder = text();
    Reader args(piece(), with_args_);
    if (!with_args_(made.folder)) return made;
    made.args.resize(args.count());
    for (auto& arg : made.args) {
      arg.name = args.text();
      arg.type = args.text();
      arg.description = args.text();
      arg.choices = args.texts();
      arg.item_choices = args.texts();
    }
    if (!args.good()) fail();
    return made;
  }
  ScriptFile file() {
    ScriptFile made;
    made.link = number() != 0;
    made.stamp = stamp();
    made.read_ns = number();
    if (number() == 0) return made;
    auto config = std::make_shared<jobs::ConfigFile>();
    config->path = text();
    config->place = jobs::config_place(config->path).value_or(jobs::ConfigPlace{});
    config->error = text();
    config->jobs.reserve(count());
    for (auto left = config->jobs.capacity(); left > 0 && good_; left--) config->jobs.push_back(job());
    made.config = std::move(config);
    return made;
  }
  ScriptFolder folder(size_t depth) {
    ScriptFolder made;
    if (depth > kMaxDepth) return fail(), made;
    made.stamp = stamp();
    made.listed_ns = number();
    for (auto left = count(); left > 0 && good_; left--) {
      auto name = text();
      made.files.emplace_hint(made.files.end(), std::move(name), file());
    }
    for (auto left = count(); left > 0 && good_; left--) {
      auto name = text();
      made.folders.emplace_hint(made.folders.end(), std::move(name), folder(depth + 1));
    }
    return made;
  }

private:
  void fail() {
    good_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  const WithArgs& with_args_;
  bool good_ = true;
};

}  // namespace

uint64_t check_sum(std::string_view bytes) {
  constexpr uint64_t kPrime = 0x9e3779b97f4a7c15;
  uint64_t sum = bytes.size() * kPrime;
  const auto mix = [&sum](uint64_t word) {
    sum = (sum ^ word) * kPrime;
    sum ^= sum >> 29;
  };
  for (; bytes.size() >= sizeof(uint64_t); bytes.remove_prefix(sizeof(uint64_t))) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    mix(word);
  }
  for (const char c : bytes) mix(static_cast<unsigned char>(c));
  return sum;
}

std::string outline_text(const std::string& root, const ScriptFolder& folder) {
  Writer body;
  body.text(root);
  body.folder(folder);
  Writer whole;
  whole.made = kMark;
  whole.number(check_sum(body.made));
  return std::move(whole.made) + body.made;
}

std::optional<ScriptFolder> parse_outline(std::string_view text, const std::string& root,
                                          const WithArgs& with_args) {
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  const auto sum = static_cast<uint64_t>(Reader(text, with_args).number());
  if (text.size() < sizeof sum) return std::nullopt;
  text.remove_prefix(sizeof sum);
  if (check_sum(text) != sum) return std::nullopt;
  Reader reader(text, with_args);
  if (reader.text() != root) return std::nullopt;
  auto folder = reader.folder(0);
  if (!reader.good() || !reader.at_end()) return std::nullopt;
  return folder;
}

}  // namespace muster
