#include "control/sync/http.h"

#include <array>
#include <charconv>
#include <curl/curl.h>
#include <thread>

namespace sluice::sync {
namespace {

constexpr long kMaxRedirects = 3;
constexpr std::size_t kMaxHeaderValue = 256;  // of those that are kept
// The body of an error page is read so far, because a connection that is closed costs more.
constexpr std::size_t kMaxErrorBody = 65'536;

struct EasyFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// What the callbacks of one transfer share.
struct Transfer {
  CURL* curl;
  const HttpOptions* options;
  const HttpSink* sink;
  const std::function<bool()>* give_up;
  HttpHead head;
  bool takes_all = false;
  bool has_body = false;
  bool given_up = false;
  std::size_t thrown_away = 0;
};

bool is_stopped(const HttpOptions& options) {
  return options.stop != nullptr && options.stop->load();
}

long status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status == 0 ? 200 : status;  // a file has none
}

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t octets = size * count;
  transfer.head.status = status_of(transfer.curl);
  const bool wanted =
      transfer.takes_all || transfer.head.status == 200 || transfer.head.status == 206;
  if (!wanted) return (transfer.thrown_away += octets) > kMaxErrorBody ? 0 : octets;
  transfer.has_body = true;
  return (*transfer.sink)(transfer.head, {data, octets}) ? octets : 0;
}

bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char lower = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (lower != b[i]) return false;
  }
  return true;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "bytes 100-199/200" (RFC 9110 section 14.4)
void read_range(std::string_view value, HttpHead& head) {
  if (!value.starts_with("bytes ")) return;
  value.remove_prefix(6);
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (dash == value.npos || slash == value.npos || dash > slash) return;
  head.range_from = number_of(value.substr(0, dash));
  head.range_total = number_of(value.substr(slash + 1));
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  HttpHead& head = static_cast<Transfer*>(user)->head;
  const std::size_t octets = size * count;
  std::string_view line(data, octets);
  if (line.starts_with("HTTP/")) head = {};  // of a redirect before
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return octets;
  const std::string_view name = line.substr(0, colon);
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
  if (line.size() > kMaxHeaderValue) return octets;
  if (same_word(name, "etag")) head.etag = line;
  if (same_word(name, "last-modified")) head.last_modified = line;
  if (same_word(name, "date")) head.date = line;
  if (same_word(name, "content-range")) read_range(line, head);
  return octets;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.given_up = transfer.given_up || (*transfer.give_up && (*transfer.give_up)());
  return transfer.given_up || is_stopped(*transfer.options) ? 1 : 0;
}

std::string advice_for(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "check authority.ca_file and the mirror's certificate";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "check authority.url and the network";
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return "check the proxy in the configuration";
    case CURLE_OPERATION_TIMEDOUT:
      return "the mirror stalls; it is asked again later";
    default:
      return {};
  }
}

}  // namespace

struct Http::State {
  HttpOptions options;
  std::unique_ptr<CURL, EasyFree> curl;
  std::array<char, CURL_ERROR_SIZE> message{};

  void prepare(const HttpRequest& request, Transfer& transfer) {
    CURL* const c = curl.get();
    curl_easy_reset(c);  // connections stay
    message[0] = '\0';
    curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                     options.plain_http ? "https,http,file" : "https,file");
    // A redirect into the file system, or from HTTPS to plain HTTP, is an attack or a mistake.
    const bool is_plain = request.url.starts_with("http://");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, is_plain ? "https,http" : "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) {
      curl_easy_setopt(c, CURLOPT_CAINFO, options.ca_file.c_str());
      curl_easy_setopt(c, CURLOPT_CAPATH, nullptr);
    }
    // Empty says that there is none, whatever the environment says.
    curl_easy_setopt(c, CURLOPT_PROXY, options.proxy.c_str());
    if (!options.proxy_login.empty()) {
      curl_easy_setopt(c, CURLOPT_PROXYUSERPWD, options.proxy_login.c_str());
      curl_easy_setopt(c, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_ANYSAFE | CURLAUTH_BASIC));
    }
    curl_easy_setopt(c, CURLOPT_IPRESOLVE, static_cast<long>(CURL_IPRESOLVE_WHATEVER));
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(c, CURLOPT_TIMEOUT, static_cast<long>(request.limit.count()));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT,
                     static_cast<long>(options.stall_octets_per_second));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message.data());
    curl_easy_setopt(c, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
  }
};

Http::Http(std::unique_ptr<State> state) : state_(std::move(state)) {}
Http::Http(Http&&) noexcept = default;
Http& Http::operator=(Http&&) noexcept = default;
Http::~Http() = default;

void Http::wait(std::chrono::milliseconds pause) const {
  const auto end = std::chrono::steady_clock::now() + pause;
  while (!is_stopped(state_->options) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<Http> Http::create(HttpOptions options) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->curl.reset(curl_easy_init());
  if (global != CURLE_OK || !state->curl) return fail("libcurl cannot start");
  return Http(std::move(state));
}

Result<HttpHead> Http::get(const HttpRequest& request, const HttpSink& sink,
                           const std::string& refused) {
  State& state = *state_;
  if (is_stopped(state.options)) return fail("the process is stopping", request.url);
  Transfer transfer{.curl = state.curl.get(),
                    .options = &state.options,
                    .sink = &sink,
                    .give_up = &request.give_up,
                    .head = {},
                    .takes_all = request.post.has_value()};
  state.prepare(request, transfer);
  curl_slist* raw = nullptr;
  const auto header = [&](const char* name, const std::string& value) {
    if (!value.empty()) raw = curl_slist_append(raw, (name + value).c_str());
  };
  header("If-None-Match: ", request.etag);
  header("If-Modified-Since: ", request.last_modified);
  // Of a body that may be cut and asked for again, octets must be those of the file.
  if (request.from > 0) header("Range: bytes=", std::to_string(request.from) + "-");
  if (request.post) {
    raw = curl_slist_append(raw, "Content-Type: text/plain; charset=utf-8");
    curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.post->size()));
    curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDS, request.post->data());
  }
  const std::unique_ptr<curl_slist, ListFree> headers(raw);
  curl_easy_setopt(transfer.curl, CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(transfer.curl);
  if (code == CURLE_FILE_COULDNT_READ_FILE) {
    transfer.head.status = 404;
    return transfer.head;
  }
  transfer.head.status = status_of(transfer.curl);
  if (code == CURLE_OK) return transfer.head;
  if (code == CURLE_WRITE_ERROR) {
    if (!transfer.has_body) return transfer.head;
    return fail(refused, request.url, "nothing of it is used");
  }
  if (transfer.given_up) return fail("was interrupted", request.url, "it goes on later");
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail("the process is stopping", request.url);
  const std::string detail = state.message.data();
  return fail(detail.empty() ? curl_easy_strerror(code) : detail, request.url, advice_for(code));
}

bool changed_just_now(const HttpHead& head) {
  if (head.last_modified.empty() || head.date.empty()) return false;
  const time_t changed = curl_getdate(head.last_modified.c_str(), nullptr);
  const time_t now = curl_getdate(head.date.c_str(), nullptr);
  return changed >= 0 && now >= 0 && now - changed < 2;
}

}  // namespace sluice::sync
