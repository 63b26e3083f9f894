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

/// Who signs without a key, and how long cosign may take to look.
struct Signer {
  std::string identity, issuer;  ///< Of the certificate: cosign 2 looks at no signature without them.
  Millis limit{60'000};
};

/// The image's keyless signature: `cosign verify --keyless IMAGE` (contract of jobs, sections 10 and 11), or
/// with an identity as cosign 2 has it, `cosign verify --certificate-identity I --certificate-oidc-issuer O
/// IMAGE`. Without cosign it is not good, and says so: a keyless signature is checked against a log of
/// others.
[[nodiscard]] Verified verify_image(const std::string& image, const Signer& signer = {},
                                    const Cancellation* cancellation = nullptr);

/// Whether `signature` is one of `blob` by the key that `public_key` is, in PEM: ECDSA on P-256 over SHA-256,
/// as `cosign sign-blob` writes it (base64 of the DER), or Ed25519 over the bytes (base64).
[[nodiscard]] Verified verify_by_key(const std::string& public_key, const std::string& blob,
                                     const std::string& signature);

/// A file and its signature beside it. By the public key in the file `key`: `cosign verify-blob --key KEY
/// --signature FILE.sig --insecure-ignore-tlog=true FILE` where cosign is, else verify_by_key(). Keyless when
/// that is empty: `cosign verify --keyless FILE`, or with an identity `cosign verify-blob --bundle
/// FILE.bundle
/// --certificate-identity I --certificate-oidc-issuer O FILE`. The file still has `blob` in it afterwards, or
/// it is not good.
[[nodiscard]] Verified verify_file(const std::string& file, const std::string& blob, const std::string& key,
                                   const Signer& signer = {});

}  // namespace muster
