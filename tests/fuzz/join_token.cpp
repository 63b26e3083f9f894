// Fuzzes join tokens and certificates, which people paste: a token that is read is the one that was written.
#include "adapters/join_token.hpp"

#include "base/certificate.hpp"
#include "tests/fuzz/expect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto token = muster::parse_join_token(text)) {
    const auto again = muster::to_text(*token);
    EXPECT(again && text.find(*again) != std::string_view::npos);
  }
  if (const auto node = muster::node_of_uri(text)) EXPECT(muster::node_uri(*node) == text);
  (void)muster::read_certificate(text);
  if (const auto read = muster::read_certificate_der(text)) EXPECT(read->key.size() == 64);
  return 0;
}
