// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/web.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

namespace editor {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;
using Socket = websocket::stream<beast::tcp_stream>;

namespace {

constexpr std::size_t kMaxConnections = 64;
constexpr std::size_t kMaxRequestBody = 256;  // bytes: a token
constexpr auto kRequestDeadline = std::chrono::seconds(15);
constexpr std::size_t kMaxUnproven = 512;  // bytes of a message before the page has proved itself
// Below the ports that Linux gives to outgoing connections, so that no such connection takes a page's.
constexpr unsigned short kFirstPort = 20000, kPorts = 12000;
constexpr int kPortTries = 20;
// Inline style attributes are how the editor draws cursors; colours are checked before they get there. Its own style
// sheet carries the nonce.
constexpr std::string_view kContentPolicy =
    "default-src 'self'; style-src 'self' 'nonce-@NONCE@'; style-src-attr 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kNonceMark = "@NONCE@";

std::string with_nonce(std::string text, const std::string& nonce) {
    const auto at = text.find(kNonceMark);
    return at == std::string::npos ? text : text.replace(at, kNonceMark.size(), nonce);
}

struct PageFile {
    std::string_view target, name, type;
};
constexpr PageFile kPageFiles[] = {
    {"/", "index.html", "text/html; charset=utf-8"},
    {"/page.js", "page.js", "text/javascript; charset=utf-8"},
    {"/style.css", "style.css", "text/css; charset=utf-8"},
    {"/icon.svg", "icon.svg", "image/svg+xml"},
};

std::string_view view_of(beast::string_view text) {
    return {text.data(), text.size()};
}

Response make_response(const Request& request, http::status status, std::string body,
                       std::string_view type = "text/plain; charset=utf-8") {
    Response response(status, request.version());
    response.set(http::field::content_type, beast::string_view(type.data(), type.size()));
    const std::string nonce = make_secret();
    response.set("Content-Security-Policy", with_nonce(std::string(kContentPolicy), nonce));
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(request.keep_alive());
    response.body() = type.substr(0, 9) == "text/html" ? with_nonce(std::move(body), nonce) : std::move(body);
    response.prepare_payload();
    return response;
}

bool listen_at(asio::ip::tcp::acceptor& acceptor, unsigned short port) {
    boost::system::error_code failure;
    acceptor.open(asio::ip::tcp::v4(), failure);
    acceptor.set_option(asio::socket_base::reuse_address(true), failure);
    acceptor.bind({asio::ip::address_v4::loopback(), port}, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) acceptor.close();
    return !failure;
}

PageIdentity listen(asio::ip::tcp::acceptor& acceptor, PageIdentity identity) {
    if (identity.port != 0 && listen_at(acceptor, identity.port)) return identity;
    // Somebody else is at that port, and may have heard the cookie: whatever was known there is worth nothing any more.
    identity = PageIdentity::make();
    std::random_device random;
    for (int i = 0; i < kPortTries && !acceptor.is_open(); ++i) {
        listen_at(acceptor, static_cast<unsigned short>(kFirstPort + random() % kPorts));
    }
    if (!acceptor.is_open() && !listen_at(acceptor, 0)) throw std::runtime_error("no port is free on 127.0.0.1");
    identity.port = acceptor.local_endpoint().port();
    return identity;
}

}  // namespace

/// The coroutines of one connection; each holds the server alive.
struct WebConnection {
    using Server = std::shared_ptr<Web>;

    static Response answer(const Web& web, const Request& request);
    static asio::awaitable<void> accept(Server web);
    static asio::awaitable<void> serve(Server web, beast::tcp_stream stream);
    static asio::awaitable<void> serve_socket(Server web, beast::tcp_stream stream, Request request);
    static asio::awaitable<bool> prove(Server web, std::shared_ptr<Socket> socket);
    static asio::awaitable<void> write(std::shared_ptr<Socket> socket, std::shared_ptr<Member> member);
    static asio::awaitable<void> read(Server web, std::shared_ptr<Socket> socket, std::shared_ptr<Member> member);
    static bool take(Web& web, const std::shared_ptr<Member>& member, const Message& message);
};

Web::Web(const asio::any_io_executor& executor, Document& document, std::filesystem::path page_folder,
         PageRequests requests, PageIdentity identity)
    : document_(document),
      page_folder_(std::move(page_folder)),
      requests_(std::move(requests)),
      acceptor_(executor),
      guard_(listen(acceptor_, std::move(identity))) {}

void Web::start() {
    asio::co_spawn(acceptor_.get_executor(), WebConnection::accept(shared_from_this()), asio::detached);
}

std::string Web::url() const {
    return "http://127.0.0.1:" + std::to_string(identity().port) + "/#" + guard_.token();
}

asio::awaitable<void> WebConnection::accept(Server web) {
    for (;;) {
        boost::system::error_code failure;
        auto socket = co_await web->acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
        if (failure == asio::error::operation_aborted) co_return;
        if (failure || web->connections_ >= kMaxConnections) continue;
        socket.set_option(asio::ip::tcp::no_delay(true), failure);
        asio::co_spawn(web->acceptor_.get_executor(), serve(web, beast::tcp_stream(std::move(socket))), asio::detached);
    }
}

Response WebConnection::answer(const Web& web, const Request& request) {
    const auto target = view_of(request.target());
    if (target == "/session" && request.method() == http::verb::post) {
        if (!web.guard_.is_origin_allowed(view_of(request[http::field::origin])) ||
            !web.guard_.is_token(request.body())) {
            return make_response(request, http::status::forbidden, "this token is not valid: use the printed URL\n");
        }
        auto response = make_response(request, http::status::no_content, {});
        response.set(http::field::set_cookie, web.guard_.session_cookie());
        return response;
    }
    if (request.method() != http::verb::get) return make_response(request, http::status::method_not_allowed, "no\n");
    for (const auto& file : kPageFiles) {
        if (target != file.target) continue;
        std::ifstream input(web.page_folder_ / file.name, std::ios::binary);
        if (!input) break;
        std::string body{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
        return make_response(request, http::status::ok, std::move(body), file.type);
    }
    return make_response(request, http::status::not_found, "no such page\n");
}

asio::awaitable<void> WebConnection::serve(Server web, beast::tcp_stream stream) {
    struct Counted {
        std::size_t& count;
        explicit Counted(std::size_t& counter) : count(counter) { ++count; }
        ~Counted() { --count; }
    } counted(web->connections_);
    beast::flat_buffer buffer(64u << 10);
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(kMaxRequestBody);
        stream.expires_after(kRequestDeadline);
        boost::system::error_code failure;
        co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, failure));
        if (failure) co_return;
        Request request = parser.release();
        Response response;
        if (!web->guard_.is_host_allowed(view_of(request[http::field::host]))) {
            response = make_response(request, http::status::misdirected_request, "open the printed URL\n");
        } else if (websocket::is_upgrade(request)) {
            const bool allowed = request.target() == "/socket" &&
                                 web->guard_.is_origin_allowed(view_of(request[http::field::origin])) &&
                                 web->guard_.has_session(view_of(request[http::field::cookie]));
            if (allowed) {
                co_await serve_socket(web, std::move(stream), std::move(request));
                co_return;
            }
            response = make_response(request, http::status::forbidden, "open the printed URL\n");
        } else {
            response = answer(*web, request);
        }
        co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, failure));
        if (failure || !response.keep_alive()) co_return;
    }
}

asio::awaitable<void> WebConnection::serve_socket(Server web, beast::tcp_stream stream, Request request) {
    stream.expires_never();
    auto socket = std::make_shared<Socket>(std::move(stream));
    socket->set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket->read_message_max(kMaxUnproven);
    socket->binary(true);
    boost::system::error_code failure;
    co_await socket->async_accept(request, asio::redirect_error(asio::use_awaitable, failure));
    if (failure || !co_await prove(web, socket)) co_return;
    socket->read_message_max(kMaxPageMessage + 1);
    const auto executor = co_await asio::this_coro::executor;
    auto member = std::make_shared<Member>(executor, MemberKind::page);
    web->document_.add(member);
    asio::co_spawn(executor, write(socket, member), asio::detached);
    co_await read(web, socket, member);
    web->document_.remove(member);
}

/// Page and program make sure of each other before either says anything else.
asio::awaitable<bool> WebConnection::prove(Server web, std::shared_ptr<Socket> socket) {
    asio::steady_timer deadline(socket->get_executor(), kRequestDeadline);
    deadline.async_wait([weak = std::weak_ptr<Socket>(socket)](const boost::system::error_code& failure) {
        if (const auto late = weak.lock(); late && !failure) beast::get_lowest_layer(*late).close();
    });
    const std::string nonce = make_secret();
    std::string bytes = write_page_message(make_message(MessageType::challenge, nonce));
    boost::system::error_code failure;
    co_await socket->async_write(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    beast::flat_buffer buffer;
    if (!failure) co_await socket->async_read(buffer, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return false;
    const auto answer = read_page_message({static_cast<const char*>(buffer.data().data()), buffer.size()});
    const bool is_proof = answer && answer->type == MessageType::challenge;
    const auto welcome = is_proof ? web->guard_.welcome(nonce, *answer->body) : std::nullopt;
    if (!welcome) {
        const websocket::close_reason reason(websocket::close_code::policy_error);
        co_await socket->async_close(reason, asio::redirect_error(asio::use_awaitable, failure));
        co_return false;
    }
    bytes = write_page_message(make_message(MessageType::welcome, *welcome));
    co_await socket->async_write(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    co_return !failure;
}

asio::awaitable<void> WebConnection::write(std::shared_ptr<Socket> socket, std::shared_ptr<Member> member) {
    boost::system::error_code failure;
    while (!failure) {
        const auto message = co_await member->next();
        if (!message) break;
        const std::string bytes = write_page_message(*message);
        co_await socket->async_write(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    }
    beast::get_lowest_layer(*socket).close();
}

bool WebConnection::take(Web& web, const std::shared_ptr<Member>& member, const Message& message) {
    const std::string& body = *message.body;
    if (message.type == MessageType::invite) {
        web.requests_.invite(body);
        return true;
    }
    if (message.type == MessageType::answer) {
        if (!body.empty()) web.requests_.answer(body.substr(1), body.front() == '+');
        return true;
    }
    if (message.type == MessageType::join) {
        const auto space = body.find(' ');
        if (space != std::string::npos) web.requests_.join(body.substr(space + 1), body.substr(0, space));
        return true;
    }
    return web.document_.take(member, message).has_value();
}

asio::awaitable<void> WebConnection::read(Server web, std::shared_ptr<Socket> socket, std::shared_ptr<Member> member) {
    asio::steady_timer pause(socket->get_executor());
    for (;;) {
        beast::flat_buffer buffer;
        boost::system::error_code failure;
        co_await socket->async_read(buffer, asio::redirect_error(asio::use_awaitable, failure));
        if (failure) co_return;
        const std::string_view bytes(static_cast<const char*>(buffer.data().data()), buffer.size());
        const auto message = read_page_message(bytes);
        if (!message || !take(*web, member, *message)) co_return;
        const auto delay = member->pause_after(bytes.size());
        if (delay.count() == 0) continue;
        pause.expires_after(delay);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    }
}

}  // namespace editor
