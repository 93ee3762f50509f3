#include "control/sync/fetcher.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <curl/curl.h>
#include <functional>

#include "control/files/file.h"
#include "control/tuf/digest.h"

namespace sluice::sync {
namespace {

// The slowest mean rate at which a whole list may still come.
constexpr std::uint64_t kSlowestMean = 10'000;
constexpr long kMaxRedirects = 3;

struct EasyFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

bool is_stopped(const FetchOptions& options) {
  return options.stop != nullptr && options.stop->load();
}

using Sink = std::function<bool(std::string_view)>;

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* sink) {
  const std::size_t octets = size * count;
  return (*static_cast<Sink*>(sink))({data, octets}) ? octets : 0;
}

int on_progress(void* options, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return is_stopped(*static_cast<FetchOptions*>(options)) ? 1 : 0;
}

std::string advice_for(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "check authority.ca_file and the mirror's certificate";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "check authority.url and the network";
    case CURLE_OPERATION_TIMEDOUT:
      return "the mirror stalls; it is asked again later";
    default:
      return {};
  }
}

bool holds(const std::filesystem::path& path, std::uint64_t length, std::string_view sha256) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) != length || error) return false;
  const std::unique_ptr<std::FILE, FileClose> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return false;
  tuf::Sha256 hash;
  std::string piece(1 << 16, '\0');
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file.get())) {
    hash.add({piece.data(), n});
  }
  return hash.finish() == sha256;
}

}  // namespace

struct Fetcher::State {
  FetchOptions options;
  std::unique_ptr<CURL, EasyFree> curl;
  std::array<char, CURL_ERROR_SIZE> message{};

  void prepare(const std::string& url, Sink& sink, std::chrono::seconds limit) {
    CURL* const c = curl.get();
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,file");
    // A redirect into the file system, or to plain HTTP, is an attack or a mistake.
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) {
      curl_easy_setopt(c, CURLOPT_CAINFO, options.ca_file.c_str());
      curl_easy_setopt(c, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(c, CURLOPT_TIMEOUT, static_cast<long>(limit.count()));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT,
                     static_cast<long>(options.stall_octets_per_second));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &options);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message.data());
    curl_easy_setopt(c, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
  }

  /// False where the mirror has no such file. `refused` is what the sink says when it stops.
  Result<bool> transfer(std::string_view path, Sink sink, std::chrono::seconds limit,
                        const std::string& refused) {
    const std::string url = options.base_url + std::string(path);
    if (is_stopped(options)) return fail("the process is stopping", url);
    // The body of an error page is not the document, and is thrown away.
    bool checked = false;
    bool good = true;
    Sink guarded = [&](std::string_view bytes) {
      if (!checked) {
        long status = 0;
        curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
        good = status == 0 || status == 200;
        checked = true;
      }
      return good && sink(bytes);
    };
    prepare(url, guarded, limit);
    const CURLcode code = curl_easy_perform(curl.get());
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status == 404 || status == 410 || code == CURLE_FILE_COULDNT_READ_FILE) return false;
    if (status != 0 && status != 200 && (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
      return fail("the mirror answers with status " + std::to_string(status), url);
    }
    if (code == CURLE_OK) return true;
    if (code == CURLE_WRITE_ERROR) return fail(refused, url, "nothing of it is used");
    if (code == CURLE_ABORTED_BY_CALLBACK) return fail("the process is stopping", url);
    const std::string detail = message.data();
    return fail(detail.empty() ? curl_easy_strerror(code) : detail, url, advice_for(code));
  }
};

Fetcher::Fetcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fetcher::Fetcher(Fetcher&&) noexcept = default;
Fetcher& Fetcher::operator=(Fetcher&&) noexcept = default;
Fetcher::~Fetcher() = default;

Result<Fetcher> Fetcher::create(FetchOptions options) {
  const std::string& url = options.base_url;
  if (!url.starts_with("https://") && !url.starts_with("file:///")) {
    return fail("the authority's URL is neither https:// nor file:///", url,
                "write authority.url as https://lists.example/repo/");
  }
  if (!url.ends_with('/')) options.base_url.push_back('/');
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->curl.reset(curl_easy_init());
  if (global != CURLE_OK || !state->curl) return fail("libcurl cannot start");
  return Fetcher(std::move(state));
}

Result<std::optional<std::string>> Fetcher::get(std::string_view path, std::uint64_t max_octets) {
  std::string body;
  const Sink sink = [&](std::string_view bytes) {
    if (body.size() + bytes.size() > max_octets) return false;
    body.append(bytes);
    return true;
  };
  auto found = state_->transfer(
      path, sink, state_->options.metadata_timeout,
      "is longer than the " + std::to_string(max_octets) + " octets that it may have");
  if (!found) return fail(found.error());
  if (!*found) return std::nullopt;
  return body;
}

Status Fetcher::download(std::string_view path, const std::filesystem::path& to,
                         std::uint64_t length, std::string_view sha256) {
  if (holds(to, length, sha256)) return {};
  const std::filesystem::path part =
      to.parent_path() / ("." + to.filename().string() + std::string(files::kPartSuffix));
  std::unique_ptr<std::FILE, FileClose> file(std::fopen(part.c_str(), "wbe"));
  const auto abandon = [&](tl::unexpected<Error> error) {
    file.reset();
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return error;
  };
  const auto system_fault = [&](const char* what) {
    return abandon(fail(std::string(what) + ": " + std::strerror(errno), part.string(),
                        "free some space, and check owner and mode"));
  };
  if (!file) return system_fault("cannot create");

  std::uint64_t received = 0;
  bool written = true;
  tuf::Sha256 hash;
  const Sink sink = [&](std::string_view bytes) {
    received += bytes.size();
    if (received > length) return false;
    hash.add(bytes);
    written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
    return written;
  };
  const auto limit = std::chrono::seconds(60 + length / kSlowestMean);
  auto found = state_->transfer(path, sink, limit,
                                "is longer than its signed " + std::to_string(length) + " octets");
  if (!written) return system_fault("cannot write");
  if (!found) return abandon(fail(found.error()));
  const std::string url = state_->options.base_url + std::string(path);
  if (!*found) return abandon(fail("the mirror has no such file", url, "it is asked again later"));
  if (received != length) {
    return abandon(fail("has " + std::to_string(received) + " octets where " +
                            std::to_string(length) + " were signed for",
                        url, "nothing of it is used"));
  }
  if (hash.finish() != sha256) {
    return abandon(fail("does not match its signed SHA-256", url, "nothing of it is used"));
  }
  if (std::fflush(file.get()) != 0) return system_fault("cannot write");
  file.reset();
  if (auto status = files::sync_file(part); !status) return abandon(fail(status.error()));
  return files::rename_synced(part, to);
}

}  // namespace sluice::sync
