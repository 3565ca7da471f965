/** Smart HTTP by JGit's own servlet, for the repositories of a folder: prints its port, ends with its standard input. */
import java.io.File;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.transport.resolver.FileResolver;

class JGitServer {
    public static void main(String[] args) throws Exception {
        var servlet = new GitServlet();
        servlet.setRepositoryResolver(new FileResolver<>(new File(args[0]), true));
        var server = new Server();
        var connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        var context = new ServletContextHandler();
        context.addServlet(new ServletHolder(servlet), "/*");
        server.setHandler(context);
        server.start();
        System.out.println(connector.getLocalPort());
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
