/** What belongs together in a believable address: names, streets and cities of one language. */
export interface Place {
  readonly locale: string;
  readonly country: string;
  readonly currency: string;
  readonly given: readonly string[];
  readonly family: readonly string[];
  readonly streets: readonly string[];
  /** City and a postcode where `#` stands for any digit. */
  readonly cities: readonly (readonly [city: string, postcode: string])[];
}

const words = (text: string): string[] => text.split(' ');
const phrases = (text: string): string[] => text.split(', ');

export const places: readonly Place[] = [
  {
    locale: 'en-GB', country: 'GB', currency: 'GBP',
    given: words('Amelia Callum Priya Owen Zara Rhys Imogen Kwame Freya Hamish Nia Jasper Leila Tomos Bethan'),
    family: words('Ashworth Okafor Patel MacLeod Hughes Whitlock Begum Llewellyn Fairbairn Osei Marlowe Kaur Thorne Pryce'),
    streets: phrases('Harbour Lane, Mill Road, Elm Street, Castle Terrace, Orchard Close, Station Approach'),
    cities: [['Bristol', 'BS# #AB'], ['Leeds', 'LS# #DN'], ['Edinburgh', 'EH# #QT'], ['Cardiff', 'CF## #PE']],
  },
  {
    locale: 'de-DE', country: 'DE', currency: 'EUR',
    given: words('Jule Emre Franziska Lukas Aylin Björn Käthe Moritz Svenja Henrik Mila Anton Greta Deniz'),
    family: words('Bauer Yıldız Schröder Hoffmann Weiß Krüger Neumann Öztürk Vogel Lindner Jäger Pohl Seidel'),
    streets: phrases('Lindenallee, Königstraße, Am Alten Hafen, Schillerplatz, Gartenweg, Mühlenstraße'),
    cities: [['Hamburg', '20###'], ['Leipzig', '04###'], ['Freiburg', '79###'], ['Köln', '50###']],
  },
  {
    locale: 'fr-FR', country: 'FR', currency: 'EUR',
    given: words('Camille Léo Inès Théo Maëlle Yanis Capucine Hugo Aïcha Noé Solène Baptiste Manon Rayan'),
    family: words('Lefèvre Benali Marchand Rousseau Garnier Diallo Chevalier Nguyen Fontaine Besson Lemoine Perrin'),
    streets: phrases("rue de l'Église, rue des Lilas, avenue Jean Jaurès, quai du Port, impasse des Tanneurs"),
    cities: [['Nantes', '44###'], ['Lyon', '69###'], ['Nîmes', '30###'], ['Lille', '59###']],
  },
  {
    locale: 'nb-NO', country: 'NO', currency: 'NOK',
    given: words('Ingrid Sander Åse Jonas Marit Eirik Sunniva Håkon Thea Magnus Solveig Odd Amina Øystein'),
    family: words('Haugen Lindqvist Bakke Sørensen Nygård Dahl Moen Fjeld Strand Ødegård Solheim Hassan'),
    streets: phrases('Østre gate, Fjordveien, Kirkegata, Bjørkestien, Sjøgata, Nordre Skogvei'),
    cities: [['Tromsø', '90##'], ['Bergen', '50##'], ['Trondheim', '70##'], ['Stavanger', '40##']],
  },
  {
    locale: 'pl-PL', country: 'PL', currency: 'PLN',
    given: words('Zofia Jakub Hanna Szymon Łucja Mikołaj Kinga Wojciech Maja Oskar Jagoda Tymon'),
    family: words('Nowak Wójcik Zieliński Mazur Dąbrowska Krawczyk Pawlak Sikora Baran Górski Wrona Lis'),
    streets: phrases('ul. Lipowa, ul. Ogrodowa, ul. Długa, ul. Młyńska, ul. Słoneczna'),
    cities: [['Gdańsk', '80-###'], ['Kraków', '30-###'], ['Wrocław', '50-###'], ['Poznań', '60-###']],
  },
  {
    locale: 'pt-BR', country: 'BR', currency: 'BRL',
    given: words('Beatriz João Larissa Thiago Conceição Caio Luana Vinícius Íris Davi Marina Otávio'),
    family: words('Carvalho Araújo Ribeiro Nascimento Gonçalves Teixeira Moreira Barros Cardoso Vieira Assunção'),
    streets: phrases('Rua das Flores, Avenida Beira-Mar, Rua São João, Travessa do Comércio, Rua Sete de Setembro'),
    cities: [['Porto Alegre', '90###-###'], ['Recife', '50###-###'], ['Curitiba', '80###-###'], ['Salvador', '40###-###']],
  },
  {
    locale: 'ja-JP', country: 'JP', currency: 'JPY',
    given: words('Haruka Ren Yui Sōta Aoi Kaito Mio Daichi Sakura Yūto Emi Takumi'),
    family: words('Satō Takahashi Watanabe Itō Yamamoto Nakamura Kobayashi Yoshida Matsumoto Inoue Hayashi Shimizu'),
    streets: phrases('Higashiyama-dōri, Sakae-chō, Minami-machi, Kitaōji-dōri, Hon-chō'),
    cities: [['Kyōto', '60#-####'], ['Sapporo', '06#-####'], ['Fukuoka', '81#-####'], ['Sendai', '98#-####']],
  },
  {
    locale: 'it-IT', country: 'IT', currency: 'EUR',
    given: words('Giulia Lorenzo Chiara Matteo Ilaria Davide Bianca Edoardo Noemi Pietro Elisa Niccolò'),
    family: words('Ferri Colombo Gallo Conti Moretti Serra Bellini Fontana Caruso Marchetti Villa Donati'),
    streets: phrases('via Garibaldi, via dei Mille, corso Italia, piazza San Marco, via delle Rose'),
    cities: [['Torino', '10###'], ['Bologna', '40###'], ['Trieste', '34###'], ['Lecce', '73###']],
  },
];
