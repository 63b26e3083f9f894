// An advert as the strings of a DNS TXT record, as RFC 6763 wants them, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/finding.hpp"

namespace muster {

constexpr size_t kMaxTxtString = 255;      ///< Bytes of one string: its length is a byte.
constexpr size_t kMaxTxtStrings = 64;      ///< More than an advert has.
constexpr size_t kMaxTxtBytes = 4096;      ///< Of all strings together.
constexpr size_t kMaxAdvertUrl = 512;      ///< Bytes; an advert should fit into one packet.
constexpr size_t kMaxAdvertAddress = 262;  ///< Bytes: a host name, a colon, a port.
constexpr size_t kMaxBoot = 64;            ///< Bytes.

/// Error: `field.invalid` with every fault; pointers are the members' names: /node, /address.
[[nodiscard]] Status check_advert(const finding::Advert& advert);

/// The strings of a checked advert, each at most kMaxTxtString bytes: "txtvers=1", "id=...", "role=leader",
/// "epoch=7", "addr=host:port", ... A long value goes on in "id1=", "id2=".
[[nodiscard]] std::vector<std::string> to_txt(const finding::Advert& advert);

/// Nothing when it is no advert of this version or check_advert would refuse it. Unknown keys are ignored; of
/// a key that is there twice the first counts.
[[nodiscard]] std::optional<finding::Advert> from_txt(const std::vector<std::string>& strings);

/// `text` is host:port or a URL: 0.0.0.0 or [::] as its host is replaced by `host`.
[[nodiscard]] std::string at_host(std::string text, std::string_view host);

}  // namespace muster
