/** JGit's own LFS server with its objects in a folder, at /lfs: prints its port, ends with its standard input. */
import java.nio.file.Path;
import java.nio.file.Paths;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.lfs.server.LargeFileRepository;
import org.eclipse.jgit.lfs.server.LfsProtocolServlet;
import org.eclipse.jgit.lfs.server.fs.FileLfsRepository;
import org.eclipse.jgit.lfs.server.fs.FileLfsServlet;

class JGitLfsServer {
    public static void main(String[] args) throws Exception {
        var server = new Server();
        var connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        connector.open();
        Path folder = Paths.get(args[0]);
        var repository = new FileLfsRepository("http://127.0.0.1:" + connector.getLocalPort() + "/objects/", folder);
        var protocol = new LfsProtocolServlet() {
            @Override
            protected LargeFileRepository getLargeFileRepository(LfsRequest request, String path, String auth) {
                return repository;
            }
        };
        var content = new ServletHolder(new FileLfsServlet(repository, 30_000));
        content.setAsyncSupported(true);
        var context = new ServletContextHandler();
        context.addServlet(new ServletHolder(protocol), "/lfs/objects/batch");
        context.addServlet(content, "/objects/*");
        server.setHandler(context);
        server.start();
        System.out.println(connector.getLocalPort());
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
