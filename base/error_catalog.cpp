// The one table of error codes.
#include "base/error_catalog.hpp"

#include <algorithm>
#include <array>

namespace muster {
namespace {

// Sorted by code. Columns: code, HTTP, exit, retryable, title, cause, remedy.
constexpr std::array kCatalog = {
  ErrorKind{"E_ADDON_MANIFEST", 400, 2, false, "The add-on's manifest is not valid",
            "The image has no /flwd-addon/manifest.yaml, or one that is too large or breaks a rule.",
            "Correct the fields that detail names, build the image again, and add the source again."},
  ErrorKind{
    "E_ARGS", 400, 1, false, "The arguments of the job are not right",
    "A flag is unknown, lacks its value or is required and missing, or a value breaks a rule of the job's "
    "arguments. Only a command line gives it.",
    "Correct the argument that detail names; muster <job> --help lists them all."},
  ErrorKind{"E_CONFIG", 422, 4, false, "The job's configuration cannot be run",
            "config.yaml says something that does not fit together, or asks for a setting that does not "
            "exist; detail "
            "names the key or the step.",
            "Correct the job's config.yaml; muster :validate shows every fault."},
  ErrorKind{"E_IMAGE_POLICY", 422, 3, false, "The policy does not allow the image or its limits",
            "The image's name or a quantity cannot be read, or more is asked for than the bundle's ceilings.",
            "Correct the job's container, or raise ceilings in flwd.policy.yaml and restart."},
  ErrorKind{"E_OCI", 400, 1, false, "The image cannot be used",
            "The container runtime could not pull or look at the image, or the image has no digest.",
            "Check the network and the ref by pulling it by hand: podman pull REF."},
  ErrorKind{
    "E_POLICY", 422, 3, false, "The policy has no place for this",
    "The profile is none of secure, permissive and disabled, flwd.policy.yaml breaks a rule, or a step has "
    "an executor of its own.",
    "Ask for one of the three profiles; correct the bundle and restart; give the executor to the job, not "
    "to a step."},
  ErrorKind{"alias.collision", 409, 4, false, "The alias has several targets",
            "flwd.yaml declares the name more than once; contenders[] lists the jobs that it may mean.",
            "Use the job's id; or keep one of the entries in flwd.yaml."},
  ErrorKind{"alias.configuration.invalid", 400, 1, false, "The aliases cannot be read",
            "flwd.yaml is not YAML, or an entry lacks from or to.",
            "Correct the lines that detail names; muster :validate lists every fault."},
  ErrorKind{"alias.name.conflict", 400, 2, false, "The alias has the name of a job",
            "An alias may not be called like a job: the job would always win.",
            "Give the alias another name in flwd.yaml."},
  ErrorKind{"alias.reserved", 400, 2, false, "The alias has a reserved name",
            "Names that begin with a colon are verbs.",
            "Give the alias a name without a colon in flwd.yaml."},
  ErrorKind{"alias.target.invalid", 400, 2, false, "The alias leads to no job",
            "What flwd.yaml has as from is the id of no job; an alias of an alias is none either.",
            "Correct from in flwd.yaml; muster :jobs lists the ids."},
  ErrorKind{"arguments.invalid", 400, 2, false, "invalid arguments",
            "args is no object, names an argument the job does not have, or has a value of another type.",
            "Correct what errors[] names; POST /plans shows the job's arguments."},
  ErrorKind{"arguments.refused", 422, 2, false, "argument validation failed",
            "A required argument is missing, a value is not one of its enum, or a secret has a default.",
            "Correct what errors[] names; POST /plans shows the job's arguments."},
  ErrorKind{"arguments.unwanted", 400, 2, false, "job does not accept arguments",
            "args has members, and the job declares no argument.", "Leave args out."},
  ErrorKind{"backend.conflict", 409, 4, false, "The name belongs to somebody else",
            "A bucket of that name exists and another account owns it, or it is in another region.",
            "Use another name in the profile, or credentials of its owner, or its region."},
  ErrorKind{"backend.failed", 503, 5, true, "The backend failed",
            "The server of the environment answered 5xx: it is there, and could not do this.",
            "It is asked again by itself. If it stays so, look into that server."},
  ErrorKind{"backend.limit", 507, 4, false, "The embedded backend is full",
            "A limit of what the node keeps itself, without a server, is reached; detail names it.",
            "Use a server for it; or take what is not needed out of the profile."},
  ErrorKind{
    "backend.refused", 502, 3, false, "The backend refused",
    "The server of the environment answered 401 or 403: the credentials are wrong, expired, or not allowed "
    "this one call. Or it does not take what it was asked for, and detail has its reason.",
    "Check the credentials that the node was given for it, and what they are allowed."},
  ErrorKind{
    "backend.reply", 502, 1, true, "The backend's answer cannot be right",
    "The server of the environment sent something malformed, too large, too deeply nested, or contrary to "
    "its protocol.",
    "Check that the URL is that of the right server; detail says what came."},
  ErrorKind{"backend.throttled", 503, 5, true, "The backend asks to be left alone for a while",
            "The server of the environment answered 429 or SlowDown.",
            "Nothing is to be done: it is asked again after the time that it named."},
  ErrorKind{"bad.json", 400, 2, false, "The body is not valid JSON",
            "The body is empty, cut off, not UTF-8, nested deeper than 64 levels, has an object of more than "
            "1,024 keys, or is not JSON.",
            "Send one JSON document in UTF-8; errors[] says where it stops being one."},
  ErrorKind{"bad.request", 400, 2, false, "The request is malformed",
            "The request line, a header or the query could not be read.",
            "Correct the part that detail names."},
  ErrorKind{"bad.yaml", 400, 2, false, "The document is not valid YAML",
            "It is not UTF-8, not one document, larger or deeper than its limit, or not YAML.",
            "Correct the line that errors[] names."},
  ErrorKind{
    "bind.refused", 500, 4, false, "The node does not serve there",
    "--bind or --peer-bind is not loopback, and there is no credential, no cluster key, or --dev is set.",
    "As detail says: for callers set --api-key-file or --jwks-url, or make a token with muster :token new; "
    "for members run muster :cluster init, give --cluster-key-file or --join-token, or serve --alone. Or "
    "bind 127.0.0.1."},
  ErrorKind{"body.too.large", 413, 2, false, "The body is too large", "The body exceeds --max-body.",
            "Send less, or raise --max-body on the node."},
  ErrorKind{"body.type.unsupported", 415, 2, false, "The content type is not supported",
            "The body's Content-Type is not application/json.", "Send Content-Type: application/json."},
  ErrorKind{"bus.limit", 429, 5, true, "A limit of the bus is reached",
            "The bus holds as many exchanges, queues, bindings or subscriptions as it may, or a message is "
            "too large.",
            "Remove what is no longer needed, or send less; detail names the limit."},
  ErrorKind{"bus.unknown", 404, 4, false, "There is no such exchange or queue",
            "The exchange or queue was never declared.",
            "Declare it first; the profile's broker section does."},
  ErrorKind{"bus.unrouted", 404, 4, false, "No queue takes the message",
            "The exchange is there, and no queue is bound to it with a key that matches.",
            "Bind a queue; the profile's broker section does."},
  ErrorKind{
    "capability.missing", 422, 4, false, "This host cannot run the job as its profile asks",
    "The sandbox needs bubblewrap, user namespaces or control groups that are not there, or not allowed.",
    "Install or enable what detail names (apt install bubblewrap), run on another node, or use a weaker "
    "profile."},
  ErrorKind{"claim.invalid", 404, 4, false, "The claim is not open",
            "The id is unknown, the token is wrong, or the claim was fulfilled or has expired.",
            "Open a new claim with POST /api/claims/new."},
  ErrorKind{"command.timeout", 503, 5, true, "The command was not answered in time",
            "The log did not commit within --command-timeout.",
            "Look at /v1/status; retry with the same Idempotency-Key."},
  ErrorKind{"config.invalid", 500, 2, false, "The configuration is not valid",
            "A value in muster.yaml, the environment or a flag is unknown, malformed or out of its limits.",
            "Correct what detail names; muster :config show prints each value and where it came from."},
  ErrorKind{"conflict", 409, 4, true, "The state changed underneath",
            "What the decision was based on changed before it was committed.", "Read again and retry."},
  ErrorKind{"connections.exhausted", 429, 5, true, "Too many connections",
            "The node holds --max-connections connections.",
            "Retry after the time in Retry-After, or raise --max-connections."},
  ErrorKind{
    "container.name.conflict", 422, 4, false, "The container's name is taken",
    "Before a run is accepted, and before each attempt of a step, what has the container's name is removed; "
    "the runtime could not do that.",
    "Remove it by hand, with podman rm -f or docker rm -f and the name that the runtime tells; then ask "
    "again, or muster :run retry."},
  ErrorKind{"container.runtime.unavailable", 422, 4, false, "There is no container runtime",
            "The job runs in a container, and neither Podman nor Docker is in this node's PATH.",
            "Install one of them: apt-get install podman."},
  ErrorKind{"cursor.expired", 410, 4, false, "The cursor leads to nothing that is kept",
            "Last-Event-ID is below the oldest entry of the run's journal, or above the newest.",
            "Begin again without it: what is kept comes from its start."},
  ErrorKind{"cursor.invalid", 400, 2, false, "The cursor is not valid",
            "The cursor was not made by this listing.", "Start again without a cursor."},
  ErrorKind{"environment.changed", 409, 4, false, "What would be removed is not what was shown",
            "Between the dry run and the prune, the profile or the server changed.",
            "Look at muster :env prune again, and give the hash that it shows."},
  ErrorKind{"extension.unsupported", 404, 4, false, "The extension is off",
            "The route belongs to an extension that this node was not started with.",
            "Start it with --extension export, or set FLWD_EXTENSIONS."},
  ErrorKind{
    "feature.unknown", 409, 4, false, "The log is at a newer feature level than this build",
    "muster :cluster upgrade raised the level since, and this build would miss what newer events say.",
    "Start the newer build; or restore a backup made before the upgrade into an empty folder."},
  ErrorKind{"field.invalid", 400, 2, false, "A field is not valid",
            "A field is missing, of another type, too long or not allowed.",
            "Correct the fields that errors[] names."},
  ErrorKind{"forbidden", 403, 3, false, "Not allowed",
            "The caller is known but lacks the scope, or the policy forbids it.",
            "Use a credential with the scope that detail names."},
  ErrorKind{"header.too.large", 431, 2, false, "The headers are too large",
            "The request's headers exceed --max-header.", "Send fewer or shorter headers."},
  ErrorKind{"idempotency.conflict", 409, 4, false, "The idempotency key was used for another body",
            "POST /runs came with a key that another body had, or with an Idempotency-SHA256 that is not the "
            "body's: objects with sorted keys and no spaces are hashed.",
            "Use a new key for a new request; or correct the digest."},
  ErrorKind{"idempotency.mismatch", 422, 4, false, "The idempotency key was used for another request",
            "The same Idempotency-Key came with another body or route.", "Use a new key for a new request."},
  ErrorKind{"idempotency.one_time", 409, 4, false, "The reply was given once and is not kept",
            "The first reply held a secret, and secrets are never stored.",
            "Make a new request with a new key."},
  ErrorKind{"image.registry.not.allowed", 422, 3, false, "The registry is not allowed",
            "The image's registry is not in the bundle's allowed_registries.",
            "Use an image of a registry that detail lists, or add it to flwd.policy.yaml and restart."},
  ErrorKind{
    "image.signature.required", 422, 3, false, "The image is not signed as the policy requires",
    "The signature is missing or does not verify.",
    "Sign the image again, cosign sign --keyless IMAGE, or set verify_signatures in flwd.policy.yaml and "
    "restart."},
  ErrorKind{"internal", 500, 1, false, "The node failed", "A defect in the node.",
            "Report it with the request id; the node's log has the details."},
  ErrorKind{"job.id.conflict", 409, 4, false, "Two jobs have one id",
            "Two files declare the same id, ignoring case; the first by path is used.",
            "Change job.id in one of them."},
  ErrorKind{"job.unknown", 404, 4, false, "There is no such job",
            "No job of the tree of scripts has this id, and no alias this name.",
            "muster :jobs lists them; --scripts-root names the folder that is searched."},
  ErrorKind{
    "join.refused", 403, 3, false, "The node is not let in",
    "It has neither the cluster key nor a join token that is open, or the cluster's certificate is not the "
    "one that the token names.",
    "Make a new token with muster :cluster token on a member, and start the node with it."},
  ErrorKind{
    "journal.corrupt", 500, 1, false, "The journal of a run does not verify",
    "A segment does not go on from the one before it, an entry is not as it was written, or the end is not "
    "the one that run.finished names.",
    "Keep runs/ID/journal for whoever looks into it; restore a backup to have the run's output back."},
  ErrorKind{"journal.unwritable", 500, 1, false, "The journal of a run cannot be written",
            "The disk is full, read-only or failing; lines that it did not take are counted as dropped.",
            "Make room or mend the disk, and run the job again."},
  ErrorKind{"jwks.invalid", 502, 1, false, "The key set is not valid",
            "What JWKS_URL serves is not a JWKS with a key for RS256 or ES256.",
            "Check the URL; RSA keys need 2048 bits or more, EC keys the curve P-256."},
  ErrorKind{"jwks.unreachable", 502, 1, false, "The key set cannot be read",
            "JWKS_URL did not answer with a document.",
            "Check the URL, and that the identity provider runs; a node that cannot check tokens does not "
            "start."},
  ErrorKind{"leader.lost", 503, 5, true, "Leadership was lost under the request",
            "The node stopped leading before the outcome was known.",
            "Retry with the same Idempotency-Key; without one, read first."},
  ErrorKind{"leader.none", 404, 5, true, "There is no leader",
            "Nobody holds the lease, or it has lapsed, or the node that was asked has heard nobody who leads "
            "for --leader-ttl.",
            "Claim it, wait for a node to do so, or ask another member."},
  ErrorKind{"leader.stale", 409, 4, false, "Another leader has followed that one",
            "What it says is of an older epoch than one that was heard of in the same cluster.",
            "Ask another member: muster :leader shows the epoch."},
  ErrorKind{"leader.starting", 503, 5, true, "The leader is starting",
            "The node has not yet applied a barrier of its own term.",
            "Retry after the time in Retry-After."},
  ErrorKind{"log.compacted", 410, 4, false, "These lines were compacted away",
            "The log was compacted past the asked seq.",
            "Start from the oldest seq that detail names, or restore a backup."},
  ErrorKind{"log.corrupt", 500, 1, false, "The log does not verify",
            "A line's hash does not fit the next line's prev.",
            "Restore a backup; muster :audit verify names the first bad seq."},
  ErrorKind{"log.diverged", 500, 4, false, "This node's log is not the cluster's",
            "A checkpoint of the cluster names another line than the one this node has.",
            "Keep the data folder for whoever looks into it, and let the node join anew with an empty one."},
  ErrorKind{"log.elsewhere", 409, 4, false, "This node has no log",
            "There are members enough that hold the log; this one hands requests on, but no streams.",
            "Ask a member that is voter or standby in muster :cluster."},
  ErrorKind{"log.unwritable", 503, 5, true, "The log cannot be written",
            "The disk is full, read-only or failing; reads go on.",
            "Make room or mend the disk; the node resumes by itself."},
  ErrorKind{
    "member.duplicate", 409, 4, false, "There is such a member already",
    "A member of that name and with another key was heard just now.",
    "Give the node another --node-id; or stop the other one, or remove it with muster :cluster remove."},
  ErrorKind{
    "member.removed", 409, 4, false, "This node is no member any more",
    "The cluster removed it, or another node took its name; what it holds is of the past.",
    "muster :cluster join --archive puts its log aside; then start it with --join, and with a new token."},
  ErrorKind{"member.unknown", 404, 4, false, "There is no such member",
            "The name is of no member, or of one that was removed.", "muster :cluster lists the members."},
  ErrorKind{"method.not.allowed", 405, 2, false, "Method not allowed",
            "The route does not serve this method.", "Use one of the methods in Allow."},
  ErrorKind{"name.taken", 409, 4, false, "The name is in use",
            "Something that is still in use has this name.", "Choose another name, or remove what has it."},
  ErrorKind{"node.unknown", 404, 4, false, "The node is not registered",
            "No node with this id has registered.", "Register it with POST /v1/nodes/register."},
  ErrorKind{"not.found", 404, 4, false, "Not found", "There is nothing at this path or id.",
            "Check the path; /openapi.json lists every route."},
  ErrorKind{"pagination.invalid", 400, 2, false, "invalid pagination",
            "page is not a whole number from 1 on, or per_page not one from 1 to 200.",
            "Correct the parameter that errors[] names."},
  ErrorKind{"placement.impossible", 422, 4, true, "No node may run the job",
            "The job's placement asks for a role or labels that no healthy node of the cluster has.",
            "Register a node that has them, name one with node, or change placement in config.yaml."},
  ErrorKind{"plan.template.invalid", 500, 1, false, "The plan template is not valid",
            "The template is missing, is not YAML, or breaks a rule.",
            "Correct the file that detail names; the last good one stays in use once one was read."},
  ErrorKind{
    "policy.denied", 422, 3, false, "The policy denies what the job asks for",
    "Network, a writable root, capabilities, the host's environment or extra arguments are not allowed "
    "under the profile.",
    "Take the setting out of the job; or list it under overrides in flwd.policy.yaml, restart, and use "
    "the profile permissive."},
  ErrorKind{
    "policy.unsigned", 500, 3, false, "The policy bundle's signature is not valid",
    "Under the profile secure a node serves only by a bundle whose signature is good.",
    "Sign it again and put the signature beside it, FILE.sig, with --policy-key naming the public key; or "
    "install cosign for a keyless one; or set FLWD_PROFILE=permissive."},
  ErrorKind{"profile.invalid", 500, 1, false, "The environment profile is not valid",
            "The file is not JSON or YAML, or breaks a rule.",
            "Correct the places that errors[] names; the last good profile stays in use once one was read."},
  ErrorKind{"rate.limited", 429, 5, true, "Too many requests",
            "The caller exceeded a limit that detail names.", "Retry after the time in Retry-After."},
  ErrorKind{"reply.too.large", 502, 1, false, "The reply is too large",
            "The other side sent more than the caller takes.", "Ask for less at a time."},
  ErrorKind{"request.timeout", 408, 5, true, "The request came too slowly",
            "Headers or body did not arrive within their time limit.",
            "Send the request in one go; limits are in muster :serve --help."},
  ErrorKind{"secret.elsewhere", 503, 5, true, "The secret's value is not here",
            "The member was away when the value was sealed, and has not fetched it yet.",
            "Ask again in a moment, or another member."},
  ErrorKind{"service.elsewhere", 409, 4, false, "The service runs on another node",
            "Logs are on the node that ran the service, and that is not this one.",
            "Ask one of the nodes that detail names."},
  ErrorKind{
    "service.unstartable", 500, 1, true, "The service cannot be started",
    "The command, its folder or the container engine that it needs is not there, or the executor does "
    "not run such an app.",
    "Correct the plan's app or install what detail names; the node tries again by itself."},
  ErrorKind{
    "source-signature-invalid", 422, 3, false, "The source's signature is not valid",
    "verify_signatures is set, and the image's signature is missing, wrong or not looked at under the "
    "profile disabled.",
    "Sign the image again, cosign sign --keyless IMAGE, or add the source without verify_signatures."},
  ErrorKind{
    "source.not.allowed", 400, 3, false, "The source is not allowed",
    "The folder is outside of the allowed roots, or the git URL's host or kind is not allowed.",
    "Move it below the scripts root; or start the node with --allow-local-root or FLWD_ALLOW_GIT_HOSTS "
    "naming it."},
  ErrorKind{
    "source.not.materialized", 400, 4, false, "source not materialized",
    "The source's files are not on this node, or stand at another commit than the source is pinned to.",
    "Ask again in ten seconds: the node fetches what is pinned. When it cannot (its log says why), add the "
    "source again: POST /sources."},
  ErrorKind{"source.trust.required", 400, 3, false, "The source must be trusted",
            "An image brings jobs that run on this node, and the request does not say trusted.",
            "Send trusted: true, or muster :sources add --trusted, once you know what it holds."},
  ErrorKind{"source.unavailable", 400, 1, false, "The source cannot be had",
            "git could not fetch the repository in time, or it has no such branch, tag or commit.",
            "Try what detail says by hand: git ls-remote URL; --source-timeout is how long it may take."},
  ErrorKind{"source.unsupported", 501, 4, false, "This node adds no sources",
            "It was started without the part that fetches them.", "Ask a node that muster :serve started."},
  ErrorKind{"storage.degraded", 503, 5, true, "The node's storage is degraded",
            "The disk is full, read-only or failing; reads go on.",
            "Make room or mend the disk; the node resumes by itself."},
  ErrorKind{"tls.untrusted", 502, 3, false, "The certificate is not trusted",
            "The other side's certificate is not signed by a known authority, or names another host.",
            "Pass the authority's certificate, or correct the URL's host name."},
  ErrorKind{"unauthorized", 401, 3, false, "Authentication failed",
            "The credential is wrong, expired or missing where one is required.",
            "Send a valid Authorization: Bearer token or X-API-Key."},
  ErrorKind{"unreachable", 503, 5, true, "The other side cannot be reached",
            "Nothing answers at the URL that detail names, or not in time, or the connection broke.",
            "Check that it runs; for a node: start it with muster :serve, or name another with --server or "
            "MUSTER_REMOTE."},
  ErrorKind{"usage", 400, 2, false, "The command line is not understood",
            "A verb, flag or argument is unknown, missing or malformed.",
            "muster --help lists the verbs, muster VERB --help the flags of one."},
};

}  // namespace

std::span<const ErrorKind> error_catalog() {
  return kCatalog;
}

const ErrorKind& error_kind(std::string_view code) {
  const auto* found =
    std::find_if(kCatalog.begin(), kCatalog.end(), [&](const auto& kind) { return kind.code == code; });
  if (found != kCatalog.end()) return *found;
  return code == "internal" ? kCatalog.front() : error_kind("internal");
}

}  // namespace muster
