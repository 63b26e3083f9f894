// pugixml underneath, which reads without recursion and knows no entities of a document's own.
#include "adapters/s3_documents.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <sstream>

#include <pugixml.hpp>

namespace muster::s3 {
namespace {

using pugi::xml_node;

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
// Text of nothing but spaces counts where it is all there is, and a document type is seen, to be refused.
constexpr unsigned kParse = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;

Error wrong(const std::string& what) {
  return {"backend.reply", "the server's XML " + what};
}

/// Servers may give the namespace a prefix.
std::string_view local_name(const xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

xml_node child_of(const xml_node& parent, std::string_view name) {
  for (const auto& node : parent.children())
    if (node.type() == pugi::node_element && local_name(node) == name) return node;
  return {};
}

std::string text_of(const xml_node& node) {
  return node.text().get();
}

/// A new child with the parent's prefix.
xml_node add(xml_node parent, std::string_view name) {
  const std::string_view own = parent.name();
  const auto colon = own.find(':');
  const auto prefix = colon == std::string_view::npos ? "" : own.substr(0, colon + 1);
  return parent.append_child(std::string(prefix).append(name).c_str());
}

void add(xml_node parent, std::string_view name, const std::string& text) {
  add(parent, name).text().set(text.c_str());
}

bool is_rule(const xml_node& node) {
  return node.type() == pugi::node_element && local_name(node) == "Rule";
}

/// Behind the last rule that is there: what else a server wrote keeps its place.
xml_node last_rule(const xml_node& root) {
  for (auto node = root.last_child(); node; node = node.previous_sibling())
    if (is_rule(node)) return node;
  return root.last_child();
}

/// Whether no element is deeper than kMaxDepth and no document type is there.
class Look : public pugi::xml_tree_walker {
public:
  bool for_each(xml_node& node) override { return depth() < kMaxDepth && node.type() != pugi::node_doctype; }
};

xml_node prefix_of(const xml_node& rule) {
  const auto filter = child_of(rule, "Filter");
  if (const auto both = child_of(filter, "And")) return child_of(both, "Prefix");
  if (const auto own = child_of(filter, "Prefix")) return own;
  return child_of(rule, "Prefix");
}

/// Whether an element has none inside but these.
bool has_only(const xml_node& node, std::initializer_list<std::string_view> names) {
  for (const auto& each : node.children())
    if (each.type() == pugi::node_element &&
        std::find(names.begin(), names.end(), local_name(each)) == names.end())
      return false;
  return true;
}

/// References can make characters that the document's own text may not have.
bool fits(std::string_view text, size_t characters) {
  return is_utf8(text) && buckets::characters(text) <= characters;
}

/// Whether a rule has no more than one that was added has, however the server writes it.
bool is_plain(const xml_node& rule) {
  const auto filter = child_of(rule, "Filter");
  return has_only(rule, {"ID", "Filter", "Prefix", "Status", "Expiration"}) &&
         has_only(filter, {"Prefix", "And"}) && has_only(child_of(filter, "And"), {"Prefix"}) &&
         has_only(child_of(rule, "Expiration"), {"Days"});
}

std::optional<int64_t> days_of(const xml_node& rule) {
  const auto text = text_of(child_of(child_of(rule, "Expiration"), "Days"));
  int64_t days = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, days);
  if (read.ec != std::errc() || read.ptr != end || text.empty()) return std::nullopt;
  return days;
}

std::string printed(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  std::string text;
  for (const char c : out.str())
    if (c == '\r')  // pugixml writes it as it is, and whoever reads that takes it for the end of a line.
      text += "&#13;";
    else
      text += c;
  return text;
}

}  // namespace

struct Document::Tree {
  pugi::xml_document xml;
  [[nodiscard]] xml_node root() const { return xml.document_element(); }
};

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, std::string_view root) {
  if (text.size() > kMaxDocument) return wrong("is larger than " + std::to_string(kMaxDocument) + " bytes");
  if (text.find('\0') != std::string_view::npos || !is_utf8(text)) return wrong("is not UTF-8");
  auto tree = std::make_unique<Tree>();
  const auto read = tree->xml.load_buffer(text.data(), text.size(), kParse, pugi::encoding_utf8);
  if (!read) return wrong(std::string("does not parse: ") + read.description());
  Look look;
  if (!tree->xml.traverse(look))
    return wrong("has a document type, or nests deeper than " + std::to_string(kMaxDepth) + " elements");
  if (local_name(tree->root()) != root) return wrong("is no " + std::string(root));
  // What goes back has to name the namespace, also where the server left it out.
  if (local_name(tree->root()) == tree->root().name() && !tree->root().attribute("xmlns"))
    tree->root().prepend_attribute("xmlns").set_value(kNamespace);
  return Document(std::move(tree));
}

Document Document::empty(const char* root) {
  auto tree = std::make_unique<Tree>();
  tree->xml.append_child(root).append_attribute("xmlns").set_value(kNamespace);
  return Document(std::move(tree));
}

std::string Document::text() const {
  return printed(tree_->xml);
}

std::string Document::child(const char* name) const {
  return text_of(child_of(tree_->root(), name));
}

Result<buckets::Versioning> Document::versioning() const {
  const auto status = child("Status");
  if (status == "Enabled") return buckets::Versioning::enabled;
  if (status == "Suspended") return buckets::Versioning::suspended;
  if (status.empty()) return buckets::Versioning::never;
  return wrong("has a Status of versioning that is none");
}

Result<std::vector<buckets::SeenRule>> Document::rules() const {
  std::vector<buckets::SeenRule> rules;
  for (const auto& node : tree_->root().children()) {
    if (!is_rule(node)) continue;
    const auto status = text_of(child_of(node, "Status"));
    if (status != "Enabled" && status != "Disabled")
      return wrong("has a lifecycle rule whose Status is none");
    rules.push_back({text_of(child_of(node, "ID")), text_of(prefix_of(node)), days_of(node),
                     status == "Enabled", !is_plain(node)});
    if (!fits(rules.back().id, buckets::kMaxRuleId) || rules.back().prefix.size() > buckets::kMaxPrefix ||
        !is_utf8(rules.back().prefix))
      return wrong("has a lifecycle rule whose ID or prefix is longer than any, or not UTF-8");
  }
  return rules;
}

void Document::add_rule(const profile::LifecycleRule& rule) {
  auto root = tree_->root();
  const auto rules = root.children();
  const bool old_style = std::any_of(rules.begin(), rules.end(), [](const xml_node& each) {
    return is_rule(each) && child_of(each, "Prefix");
  });
  const auto behind = last_rule(root);
  auto node = add(root, "Rule");
  if (behind && behind.next_sibling() != node) root.insert_move_after(node, behind);
  add(node, "ID", rule.id);
  // To AWS a document with a prefix right in a rule is one of the first version, where no rule has a filter.
  add(old_style ? node : add(node, "Filter"), "Prefix", rule.prefix);
  add(node, "Status", "Enabled");
  add(add(node, "Expiration"), "Days", std::to_string(rule.expire_days));
}

void Document::add_rule_of(const Document& from, size_t index) {
  auto root = tree_->root();
  for (const auto& node : from.tree_->root().children()) {
    if (!is_rule(node) || index-- > 0) continue;
    const auto behind = last_rule(root);
    if (behind)
      root.insert_copy_after(node, behind);
    else
      root.append_copy(node);
    return;
  }
}

bool Document::remove_rule(const std::string& id) {
  for (const auto& node : tree_->root().children())
    if (is_rule(node) && text_of(child_of(node, "ID")) == id) return tree_->root().remove_child(node);
  return false;
}

Result<buckets::Tags> Document::tags() const {
  buckets::Tags tags;
  for (const auto& tag : child_of(tree_->root(), "TagSet").children()) {
    if (local_name(tag) != "Tag") continue;
    const auto key = text_of(child_of(tag, "Key")), value = text_of(child_of(tag, "Value"));
    if (!fits(key, buckets::kMaxTagKey) || !fits(value, buckets::kMaxTagValue))
      return wrong("has a tag whose key or value is longer than any, or not UTF-8");
    if (key.empty() || !tags.emplace(key, value).second)
      return wrong("has a tag without a key, or one twice");
  }
  return tags;
}

void Document::set_tag(const std::string& key, const std::string& value) {
  auto set = child_of(tree_->root(), "TagSet");
  if (!set) set = add(tree_->root(), "TagSet");
  for (const auto& tag : set.children()) {
    if (text_of(child_of(tag, "Key")) != key) continue;
    auto node = child_of(tag, "Value");
    if (!node) node = add(tag, "Value");
    node.text().set(value.c_str());
    return;
  }
  auto tag = add(set, "Tag");
  add(tag, "Key", key);
  add(tag, "Value", value);
}

bool Document::remove_tag(const std::string& key) {
  auto set = child_of(tree_->root(), "TagSet");
  for (const auto& tag : set.children())
    if (text_of(child_of(tag, "Key")) == key) return set.remove_child(tag);
  return false;
}

bool Document::holds_nothing() const {
  return has_only(tree_->root(), {"TagSet"}) && has_only(child_of(tree_->root(), "TagSet"), {});
}

std::vector<std::string> Document::bucket_names() const {
  std::vector<std::string> names;
  for (const auto& bucket : child_of(tree_->root(), "Buckets").children())
    if (auto name = text_of(child_of(bucket, "Name")); buckets::name_fault(name).empty())
      names.push_back(std::move(name));
  return names;
}

std::string enable_versioning() {
  pugi::xml_document xml;
  auto root = xml.append_child("VersioningConfiguration");
  root.append_attribute("xmlns").set_value(kNamespace);
  add(root, "Status", "Enabled");
  return printed(xml);
}

std::string create_bucket(const std::string& region) {
  if (region == "us-east-1") return {};
  pugi::xml_document xml;
  auto root = xml.append_child("CreateBucketConfiguration");
  root.append_attribute("xmlns").set_value(kNamespace);
  add(root, "LocationConstraint", region);
  return printed(xml);
}

}  // namespace muster::s3
