// Signatures of images and files: keyless ones by cosign, those by a key with libcrypto alone.
#pragma once

#include <string>

#include "adapters/program.hpp"
#include "base/result.hpp"

namespace muster {

/// What looking at a signature came to.
struct Verified {
  bool good = false;
  std::string reason;  ///< Why not.
};

/// `cosign verify --keyless WHAT` (contract of jobs, sections 10 and 11), of an image's reference or a file.
/// Without cosign it is not good, and says so: a keyless signature is checked against a log of others.
[[nodiscard]] Verified verify_keyless(const std::string& what, Millis limit = Millis{60'000},
                                      const Cancellation* cancellation = nullptr);

/// Whether `signature` is one of `blob` by the key that `public_key` is, in PEM: ECDSA on P-256 over SHA-256,
/// as `cosign sign-blob` writes it (base64 of the DER), or Ed25519 over the bytes (base64).
[[nodiscard]] Verified verify_by_key(const std::string& public_key, const std::string& blob,
                                     const std::string& signature);

/// A file and its signature beside it, `FILE.sig`: by the public key in the file `key`, or keyless when that
/// is empty. The file still has `blob` in it afterwards, or it is not good.
[[nodiscard]] Verified verify_file(const std::string& file, const std::string& blob, const std::string& key);

}  // namespace muster
