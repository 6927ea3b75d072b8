// Downloads and uploads through an HTTP proxy with java.net.http.
//
// Usage: java Fetch.java PORT USER PASSWORD BASE...
// For every base URL it gets /file, sends it back to /hash, and prints one JSON line with both hashes.
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

public class Fetch {
    /** The target's certificate is the test's own. */
    static final class TrustAll extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
        public void checkClientTrusted(X509Certificate[] chain, String type) {}
        public void checkServerTrusted(X509Certificate[] chain, String type) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }

    public static void main(String[] args) throws Exception {
        // Basic is switched off for tunnels by default.
        System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, new TrustManager[] {new TrustAll()}, new SecureRandom());
        HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(tls)
            .proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0]))))
            .authenticator(new Authenticator() {
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication(args[1], args[2].toCharArray());
                }
            })
            .build();
        for (int at = 3; at < args.length; at++) {
            byte[] body = ask(client, HttpRequest.newBuilder(URI.create(args[at] + "/file")).build());
            byte[] answer = ask(client, HttpRequest.newBuilder(URI.create(args[at] + "/hash"))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build());
            String up = new String(answer).replaceAll(".*\"sha256\":\"([0-9a-f]+)\".*", "$1");
            String down = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
            System.out.println("{\"down\":\"" + down + "\",\"up\":\"" + up + "\"}");
        }
    }

    static byte[] ask(HttpClient client, HttpRequest request) throws Exception {
        HttpResponse<byte[]> answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) throw new IllegalStateException("status " + answer.statusCode() + ": " + new String(answer.body()));
        return answer.body();
    }
}
